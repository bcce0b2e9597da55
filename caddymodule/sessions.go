package caddymodule

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/gate"
)

// parseSessions parses where users see their own logins. Syntax:
//
//	sessions <path> {
//		allow <CEL>
//	}
func parseSessions(d *caddyfile.Dispenser, c *gate.Config) error {
	line := *d
	c.Sessions = &gate.Sessions{}
	if err := word(d, &c.Sessions.Path); err != nil {
		return err
	}
	if err := parseBlock(d, sessionsBlock, c.Sessions); err != nil {
		return err
	}
	if err := c.Sessions.Validate(); err != nil {
		return line.WrapErr(err)
	}
	return nil
}

var sessionsBlock = block[gate.Sessions]{
	name: "sessions",
	subs: []sub[gate.Sessions]{
		{name: "allow", syntax: "<CEL>", parse: func(d *caddyfile.Dispenser, s *gate.Sessions) error {
			return cel{expr.Request, expr.Bool}.rest(d, "allow", &s.Allow)
		}},
	},
}

// parseAdminSessions parses where administrators of the site see everybody's logins.
// Syntax:
//
//	admin_sessions <path> {
//		allow  <CEL>
//		format plain|ruoyi
//		dept   <CEL>
//	}
func parseAdminSessions(d *caddyfile.Dispenser, c *gate.Config) error {
	line := *d
	c.AdminSessions = &gate.AdminSessions{}
	if err := word(d, &c.AdminSessions.Path); err != nil {
		return err
	}
	if err := parseBlock(d, adminSessionsBlock, c.AdminSessions); err != nil {
		return err
	}
	if err := c.AdminSessions.Validate(); err != nil {
		return line.WrapErr(err)
	}
	return nil
}

var adminSessionsBlock = block[gate.AdminSessions]{
	name: "admin_sessions",
	subs: []sub[gate.AdminSessions]{
		{name: "allow", syntax: "<CEL>", parse: func(d *caddyfile.Dispenser, s *gate.AdminSessions) error {
			return cel{expr.Request, expr.Bool}.rest(d, "allow", &s.Allow)
		}},
		{name: "format", syntax: "plain|ruoyi", parse: func(d *caddyfile.Dispenser, s *gate.AdminSessions) error {
			return choice(d, &s.Format, gate.FormatPlain, gate.FormatRuoYi)
		}},
		{name: "dept", syntax: "<CEL>", parse: func(d *caddyfile.Dispenser, s *gate.AdminSessions) error {
			return cel{expr.Request, expr.String}.rest(d, "dept", &s.Dept)
		}},
	},
}
