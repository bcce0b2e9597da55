package caddymodule

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/gate"
	"github.com/wsgate/wsgate/core/session"
)

// parseLogin parses the login policy. Syntax:
//
//	login [newest|oldest|off] {
//		limit    <n>
//		per      account|device
//		exempt   <CEL>
//		grace    <duration>
//		observe  <METHOD> <path> <token CEL>
//		refresh  <METHOD> <path> <new CEL> [<old CEL>]
//		logout   <METHOD> <path>
//		remember <duration>
//		fail     open|closed
//	}
func parseLogin(d *caddyfile.Dispenser, c *gate.Config) error {
	line := *d
	if d.NextArg() {
		c.Login.Policy = d.Val()
		if err := oneOf(d, "login", c.Login.Policy, session.PolicyNewest, session.PolicyOldest, session.PolicyOff); err != nil {
			return err
		}
	}
	if err := parseBlock(d, loginBlock, &c.Login); err != nil {
		return err
	}
	if err := c.Login.Validate(); err != nil {
		return line.WrapErr(err)
	}
	return nil
}

var loginBlock = block[session.Config]{
	name: "login",
	subs: []sub[session.Config]{
		{name: "limit", syntax: "<n>", parse: func(d *caddyfile.Dispenser, c *session.Config) error {
			if err := count(d, &c.Limit); err != nil {
				return err
			}
			if c.Limit > session.MaxLimit {
				return d.Errf("limit: %d logins are too many: want at most %d", c.Limit, session.MaxLimit)
			}
			return nil
		}},
		{name: "per", syntax: "account|device", parse: func(d *caddyfile.Dispenser, c *session.Config) error {
			return choice(d, &c.Per, session.PerAccount, session.PerDevice)
		}},
		{name: "exempt", syntax: "<CEL>", parse: func(d *caddyfile.Dispenser, c *session.Config) error {
			return (cel{expr.Request, expr.Bool}).rest(d, "exempt", &c.Exempt)
		}},
		{name: "grace", syntax: "<duration>", parse: func(d *caddyfile.Dispenser, c *session.Config) error {
			return duration(d, &c.Grace)
		}},
		{name: "observe", syntax: "<METHOD> <path> <token CEL>", many: true, parse: parseObserve},
		{name: "refresh", syntax: "<METHOD> <path> <new CEL> [<old CEL>]", many: true, parse: parseRefresh},
		{name: "logout", syntax: "<METHOD> <path>", many: true, parse: func(d *caddyfile.Dispenser, c *session.Config) error {
			var r session.Route
			err := route(d, &r, session.Route.Validate)
			c.Logout = append(c.Logout, r)
			return err
		}},
		{name: "remember", syntax: "<duration>", parse: func(d *caddyfile.Dispenser, c *session.Config) error {
			return duration(d, &c.Remember)
		}},
		{name: "fail", syntax: "open|closed", parse: func(d *caddyfile.Dispenser, c *session.Config) error {
			return choice(d, &c.Fail, "open", "closed")
		}},
	},
}

// answerToken is CEL that yields a token out of an answer, or a request.
var answerToken = cel{expr.Response, expr.Taken}

func parseObserve(d *caddyfile.Dispenser, c *session.Config) error {
	var o session.Observe
	if err := route(d, &o.Route, session.Route.Validate); err != nil {
		return err
	}
	if err := answerToken.rest(d, "observe", &o.Token); err != nil {
		return err
	}
	c.Observe = append(c.Observe, o)
	return nil
}

func parseRefresh(d *caddyfile.Dispenser, c *session.Config) error {
	var r session.Refresh
	if err := route(d, &r.Route, session.Route.Validate); err != nil {
		return err
	}
	e, err := answerToken.words(d, "refresh", 1, 2)
	if err != nil {
		return err
	}
	r.New = e[0]
	if len(e) == 2 {
		r.Old = e[1]
	}
	c.Refresh = append(c.Refresh, r)
	return nil
}
