package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wsgate/wsgate/core/gate"
	"github.com/wsgate/wsgate/core/token"
)

// parseToken parses one place where a token may be. Syntax:
//
//	token query  <name> [<scheme>]
//	token header <name> [<scheme>]
//	token cookie <name>
//	token subprotocol [bare]
//	token path <pattern>
//	token first_message
//	token ticket
func parseToken(d *caddyfile.Dispenser, c *gate.Config) error {
	if !d.NextArg() {
		return errForm
	}
	s := token.Source{Kind: token.Kind(d.Val())}
	least, most := 1, 1
	switch s.Kind {
	case token.Query, token.Header:
		most = 2
	case token.Cookie:
	case token.Path:
		return parseTokenPath(d, c, s)
	case token.Subprotocol:
		return parseTokenSubprotocol(d, c, s)
	case token.FirstMessage, token.Ticket:
		least, most = 0, 0
	default:
		return oneOf(d, "token", d.Val(), "query", "header", "cookie", "subprotocol", "path", "first_message", "ticket")
	}
	a, err := args(d, least, most)
	if err != nil {
		return err
	}
	if len(a) > 0 {
		s.Name = a[0]
	}
	if len(a) > 1 {
		s.Scheme = a[1]
	}
	return addToken(d, c, s)
}

func parseTokenPath(d *caddyfile.Dispenser, c *gate.Config, s token.Source) error {
	if err := word(d, &s.Pattern); err != nil {
		return err
	}
	return addToken(d, c, s)
}

func parseTokenSubprotocol(d *caddyfile.Dispenser, c *gate.Config, s token.Source) error {
	a, err := args(d, 0, 1)
	if err != nil || len(a) == 1 && a[0] != "bare" {
		return errForm
	}
	s.Bare = len(a) == 1
	return addToken(d, c, s)
}

func addToken(d *caddyfile.Dispenser, c *gate.Config, s token.Source) error {
	if slices.Contains(c.Tokens, s) {
		return d.Errf("this token source stands twice: write it once")
	}
	c.Tokens = append(c.Tokens, s)
	if _, err := token.NewFinder(c.Tokens); err != nil {
		return d.WrapErr(err)
	}
	return nil
}
