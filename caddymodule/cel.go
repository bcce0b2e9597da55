package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// expression parses CEL: the rest of the line as it stands, or one quoted token
// without its quotes. CEL with an unquoted brace of its own must be quoted, for
// there the line ends for Caddy.
func expression(d *caddyfile.Dispenser, into *string) error {
	name := d.Val()
	var raw, last []string
	for d.NextArg() {
		raw, last = append(raw, d.ValRaw()), []string{d.Val()}
	}
	if len(raw) == 1 {
		raw = last
	}
	*into = strings.TrimSpace(strings.Join(raw, " "))
	if *into == "" {
		return d.Errf("%s wants a CEL expression", name)
	}
	return nil
}

// expressions parses CEL expressions of one token each, between least and most.
func expressions(d *caddyfile.Dispenser, least, most int) ([]string, error) {
	name := d.Val()
	a := d.RemainingArgs()
	if len(a) < least || len(a) > most {
		return nil, d.Errf("%s: wrong number of arguments: a CEL expression with spaces must be quoted here", name)
	}
	for _, e := range a {
		if strings.TrimSpace(e) == "" {
			return nil, d.Errf("%s: an empty CEL expression", name)
		}
	}
	return a, nil
}

// route parses a method and a path.
func route(d *caddyfile.Dispenser, method, path *string) error {
	name := d.Val()
	if !d.Args(method, path) {
		return d.Errf("%s wants a method and a path", name)
	}
	*method = strings.ToUpper(*method)
	return nil
}
