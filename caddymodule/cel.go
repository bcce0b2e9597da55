package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wsgate/wsgate/core/expr"
)

// cel is what an expression may use and must yield. The parser compiles each
// expression where it stands, for only there is its line known.
type cel struct {
	kind expr.Kind
	want expr.Type
}

// check compiles an expression and throws the result away.
func (c cel) check(d *caddyfile.Dispenser, name, src string) error {
	if strings.TrimSpace(src) == "" {
		return d.Errf("%s wants a CEL expression", name)
	}
	if _, err := expr.Compile(c.kind, src, c.want); err != nil {
		return d.Errf("%s: %w", name, err)
	}
	return nil
}

// rest parses CEL: the rest of the line as it stands, or one quoted token
// without its quotes. CEL with a word that is only a brace must be quoted, for
// there the line ends for Caddy.
func (c cel) rest(d *caddyfile.Dispenser, name string, into *string) error {
	var raw []string
	var last string
	for d.NextArg() {
		raw, last = append(raw, d.ValRaw()), d.Val()
	}
	if *into = strings.Join(raw, " "); len(raw) == 1 {
		*into = last
	}
	return c.check(d, name, *into)
}

// words parses CEL expressions of one token each, between least and most.
func (c cel) words(d *caddyfile.Dispenser, name string, least, most int) ([]string, error) {
	a := d.RemainingArgs()
	if len(a) < least || len(a) > most {
		return nil, d.Errf("%s: wrong number of arguments: quote a CEL expression that has spaces", name)
	}
	for _, src := range a {
		if err := c.check(d, name, src); err != nil {
			return nil, err
		}
	}
	return a, nil
}
