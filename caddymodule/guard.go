package caddymodule

import (
	"strconv"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/gate"
	"github.com/wsgate/wsgate/core/session"
)

// parseGuard parses what plain HTTP requests meet. Syntax:
//
//	guard [on|off] {
//		pass    <METHOD> <path>
//		reject  [displaced|kicked] { … }
//		forward <header> <CEL>
//	}
func parseGuard(d *caddyfile.Dispenser, c *gate.Config) error {
	line := *d
	if d.NextArg() {
		if err := oneOf(d, "guard", d.Val(), "on", "off"); err != nil {
			return err
		}
		c.Guard.Off = d.Val() == "off"
	}
	if err := parseBlock(d, guardBlock, &c.Guard); err != nil {
		return err
	}
	if g := &c.Guard; g.Off && (len(g.Pass) > 0 || g.Reject != nil || g.RejectDisplaced != nil || g.RejectKicked != nil || len(g.Forward) > 0) {
		return line.Errf("guard off judges nothing: remove pass, reject and forward, or write guard on")
	}
	return nil
}

var guardBlock = block[gate.Guard]{
	name: "guard",
	subs: []sub[gate.Guard]{
		{name: "pass", syntax: "<METHOD> <path>", many: true, parse: func(d *caddyfile.Dispenser, g *gate.Guard) error {
			var r session.Route
			err := route(d, &r, gate.ValidatePass)
			g.Pass = append(g.Pass, r)
			return err
		}},
		{name: "reject", syntax: "[displaced|kicked]", many: true, nests: rejectBlock, parse: parseReject},
		{name: "forward", syntax: "<header> <CEL>", many: true, parse: func(d *caddyfile.Dispenser, g *gate.Guard) error {
			var f gate.Forward
			if !d.Args(&f.Header) {
				return errForm
			}
			if err := f.Validate(g.Forward); err != nil {
				return d.WrapErr(err)
			}
			if err := (cel{expr.Request, expr.String}).rest(d, "forward", &f.Value); err != nil {
				return err
			}
			g.Forward = append(g.Forward, f)
			return nil
		}},
	},
}

func parseReject(d *caddyfile.Dispenser, g *gate.Guard) error {
	line := *d
	into, of := &g.Reject, "reject"
	if d.NextArg() {
		switch d.Val() {
		case "displaced":
			into = &g.RejectDisplaced
		case "kicked":
			into = &g.RejectKicked
		default:
			return oneOf(d, "reject", d.Val(), "displaced", "kicked")
		}
		of += " " + d.Val()
	}
	if *into != nil {
		return d.Errf("%s stands twice: write it once", of)
	}
	*into = new(gate.Reject)
	if err := parseBlock(d, rejectBlock, *into); err != nil {
		return err
	}
	if err := (*into).Validate(); err != nil {
		return line.WrapErr(err)
	}
	return nil
}

// rejectBlock is the answer to a refused request. Syntax:
//
//	reject [displaced|kicked] {
//		status   <code>
//		header   <name> <value>
//		body     <content type> <template>
//		redirect <url>
//	}
var rejectBlock = block[gate.Reject]{
	name: "reject",
	subs: []sub[gate.Reject]{
		{name: "status", syntax: "<code>", parse: parseStatus},
		{name: "header", syntax: "<name> <value>", many: true, parse: func(d *caddyfile.Dispenser, r *gate.Reject) error {
			a, err := args(d, 2, 2)
			if err != nil {
				return err
			}
			r.Headers = append(r.Headers, gate.HeaderValue{Name: a[0], Value: a[1]})
			return nil
		}},
		{name: "body", syntax: "<content type> <template>", parse: func(d *caddyfile.Dispenser, r *gate.Reject) error {
			a, err := args(d, 2, 2)
			if err != nil {
				return err
			}
			r.ContentType, r.Body = a[0], a[1]
			return nil
		}},
		{name: "redirect", syntax: "<url>", parse: func(d *caddyfile.Dispenser, r *gate.Reject) error {
			return word(d, &r.Redirect)
		}},
	},
}

func parseStatus(d *caddyfile.Dispenser, r *gate.Reject) error {
	a, err := args(d, 1, 1)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(a[0])
	if err != nil || n < 200 || n > 599 {
		return d.Errf("status: %q is no HTTP status between 200 and 599", a[0])
	}
	r.Status = n
	return nil
}
