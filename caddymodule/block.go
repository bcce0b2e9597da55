package caddymodule

import (
	"errors"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// block is the one table of what may stand in a Caddyfile block whose settings
// go into a T. The parser, its error messages and the test of the reference all
// read it.
type block[T any] struct {
	name string
	subs []sub[T]
	// later are subdirectives that are designed but not in this version: an
	// error that says so, for ignoring one would pretend that it works.
	later []string
	// not are subdirectives that a like block has and this one can't, with what to do
	// instead.
	not map[string]string
}

// sub is one subdirective.
type sub[T any] struct {
	name   string
	syntax string // its arguments, as the reference has them; one form a line
	many   bool   // may be repeated
	nests  nested // its own block; nil where it takes none
	parse  func(*caddyfile.Dispenser, *T) error
}

// nested is a block of any T, for walking the tables.
type nested interface {
	title() string
	each(f func(name, syntax string, inner nested))
	missing() []string
}

func (b block[T]) title() string { return b.name }

func (b block[T]) missing() []string { return b.later }

func (b block[T]) each(f func(name, syntax string, inner nested)) {
	for _, s := range b.subs {
		f(s.name, s.syntax, s.nests)
	}
}

// parseBlock parses the block after the current line, if there is one. Each
// subdirective but the repeatable ones may stand there once.
func parseBlock[T any](d *caddyfile.Dispenser, b block[T], into *T) error {
	first := make(map[string]int)
	nesting := d.Nesting()
	for d.NextBlock(nesting) {
		name := d.Val()
		s, err := b.find(d)
		if err != nil {
			return err
		}
		if line, dup := first[name]; dup && !s.many {
			return d.Errf("%s stands twice in %s, first on line %d: write it once", name, b.name, line)
		}
		first[name] = d.Line()
		line := *d // an error speaks of this line, also after a block
		switch err := s.parse(d, into); {
		case errors.Is(err, errForm), err == nil && d.NextArg():
			return line.Errf("%s: wrong arguments: the form is %s", name, s.forms())
		case err != nil:
			return err
		}
		if s.nests == nil && d.NextBlock(d.Nesting()) {
			return d.Errf("%s takes no block", name)
		}
	}
	return nil
}

// forms quotes the forms of the subdirective.
func (s sub[T]) forms() string {
	var forms []string
	for f := range strings.SplitSeq(s.syntax, "\n") {
		forms = append(forms, "`"+strings.TrimSpace(s.name+" "+f)+"`")
	}
	return strings.Join(forms, " or ")
}

func (b block[T]) find(d *caddyfile.Dispenser) (sub[T], error) {
	known := make([]string, 0, len(b.subs))
	for _, s := range b.subs {
		if s.name == d.Val() {
			return s, nil
		}
		known = append(known, s.name)
	}
	for _, l := range b.later {
		if l == d.Val() {
			return sub[T]{}, errLater(d, l)
		}
	}
	if instead, ok := b.not[d.Val()]; ok {
		return sub[T]{}, d.Errf("%s of %s: %s", d.Val(), b.name, instead)
	}
	return sub[T]{}, d.Errf("unrecognized subdirective %q of %s%s: it has %s", d.Val(), b.name, hint(d.Val(), known), strings.Join(known, ", "))
}

// errLater tells of something that the syntax has and this version has not.
func errLater(d *caddyfile.Dispenser, what string) error {
	return d.Errf("%s is not available yet in this version of wsgate", what)
}
