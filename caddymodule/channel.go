package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/gate"
)

// parseChannel parses one rule of what a client may ask for. Syntax:
//
//	channel <pattern> [<redis channel>] {
//		authorize when  <CEL>
//		authorize probe <METHOD> <uri> [allow_when <CEL>]
//		publish   [authorize …]
//		history   <n> <duration>
//		resume    <duration>
//		last
//	}
func parseChannel(d *caddyfile.Dispenser, s *gate.Socket) error {
	return parseRule(d, s, channelBlock)
}

func parseRule(d *caddyfile.Dispenser, s *gate.Socket, b block[channel.Config]) error {
	line := *d
	a, err := args(d, 1, 2)
	if err != nil {
		return err
	}
	c := channel.Config{Pattern: a[0]}
	if len(a) == 2 {
		c.Redis = a[1]
	}
	if err := parseBlock(d, b, &c); err != nil {
		return err
	}
	if _, err := channel.Compile(nil, []channel.Config{c}, "", channel.Options{}); err != nil {
		return line.WrapErr(err)
	}
	s.Channels = append(s.Channels, c)
	return nil
}

var channelBlock = block[channel.Config]{
	name: "channel",
	subs: []sub[channel.Config]{
		{name: "authorize", syntax: "when <CEL>\nprobe <METHOD> <uri> [allow_when <CEL>]", parse: func(d *caddyfile.Dispenser, c *channel.Config) error {
			return parseAuthorize(d, &c.Authorize)
		}},
		{name: "publish", syntax: "[authorize when <CEL>]\n[authorize probe <METHOD> <uri> [allow_when <CEL>]]", parse: parsePublish},
		{name: "history", syntax: "<n> <duration>", parse: parseHistory},
		{name: "resume", syntax: "<duration>", parse: func(d *caddyfile.Dispenser, c *channel.Config) error {
			return duration(d, &c.Resume)
		}},
		{name: "last", parse: func(d *caddyfile.Dispenser, c *channel.Config) error {
			c.Last = true
			_, err := args(d, 0, 0)
			return err
		}},
	},
}

// parseHistory parses how much is kept. Syntax:
//
//	history <n> <duration>
func parseHistory(d *caddyfile.Dispenser, c *channel.Config) error {
	a, err := args(d, 2, 2)
	if err != nil {
		return err
	}
	h := &channel.History{}
	c.History = h
	if h.Messages, err = number(d, "history", a[0]); err != nil {
		return err
	}
	v, err := caddy.ParseDuration(a[1])
	if err != nil {
		return d.Errf("history: %q is no duration: write for example 30s, 5m or 1h", a[1])
	}
	h.For = conf.Duration(v)
	return nil
}

// parsePublish parses who may publish. Syntax:
//
//	publish [authorize when|probe …]
func parsePublish(d *caddyfile.Dispenser, c *channel.Config) error {
	c.Publish = &channel.Publish{}
	if !d.NextArg() {
		return nil
	}
	if d.Val() != "authorize" {
		return oneOf(d, "publish", d.Val(), "authorize")
	}
	return parseAuthorize(d, &c.Publish.Authorize)
}

func parseAuthorize(d *caddyfile.Dispenser, into **channel.Authorize) error {
	if !d.NextArg() {
		return errForm
	}
	a := &channel.Authorize{}
	*into = a
	switch d.Val() {
	case "when":
		return cel{expr.Authorize, expr.Bool}.rest(d, "authorize when", &a.When)
	case "probe":
		p := &channel.Probe{}
		a.Probe = p
		if !d.Args(&p.Method, &p.URI) {
			return errForm
		}
		p.Method = strings.ToUpper(p.Method)
		if !d.NextArg() {
			return nil
		}
		if d.Val() != "allow_when" {
			return d.Errf("authorize probe: unexpected %q: only `allow_when <CEL>` may follow the URI", d.Val())
		}
		return cel{expr.Response, expr.Bool}.rest(d, "allow_when", &p.AllowWhen)
	}
	return oneOf(d, "authorize", d.Val(), "when", "probe")
}
