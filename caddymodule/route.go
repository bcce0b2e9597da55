package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wsgate/wsgate/core/session"
)

// route parses a method and a path, as validate would have them, and leaves what
// follows on the line.
func route(d *caddyfile.Dispenser, r *session.Route, validate func(r session.Route, what string) error) error {
	name := d.Val()
	if !d.Args(&r.Method, &r.Path) {
		return errForm
	}
	r.Method = strings.ToUpper(r.Method)
	if !strings.HasPrefix(r.Path, "/") {
		return d.Errf("%s: %q is no path: want a method and a path, such as `%s GET /some/path`", name, r.Path, name)
	}
	if err := validate(*r, name); err != nil {
		return d.WrapErr(err)
	}
	return nil
}
