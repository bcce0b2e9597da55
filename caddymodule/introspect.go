package caddymodule

import (
	"log/slog"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/gate"
	"github.com/wsgate/wsgate/core/introspect"
)

// parseIntrospect parses how to ask whose a token is. Syntax:
//
//	introspect <uri> {
//		preset         <name>
//		method         <METHOD>
//		send           header|form|query|json|cookie <name> <template>
//		forward_header <name> [query <name>]
//		auth           basic <id> <secret>
//		auth           bearer <token>
//		active_when    <CEL>
//		inactive_when  <CEL>
//		subject        <CEL>
//		aliases        <CEL>
//		session_id     <CEL>
//		shared_tokens  on|off
//		login_time     <CEL>
//		expires        <CEL>
//		device         <CEL>
//		claims         <CEL>
//		cache_ttl      <duration>
//		negative_ttl   <duration>
//		stale_if_error <duration>
//		sliding        <duration>|off
//		timeout        <duration>
//		max_body       <size>
//		max_in_flight  <n>
//		transport      http { … }
//	}
func parseIntrospect(d *caddyfile.Dispenser, c *gate.Config) error {
	if err := word(d, &c.Introspect.URI); err != nil {
		return err
	}
	line := *d
	if err := parseBlock(d, introspectBlock, &c.Introspect); err != nil {
		return err
	}
	// What the lines say together. A value with a placeholder is not known yet.
	unknown := func(s string) (string, error) {
		if strings.Contains(s, "{") {
			return "http://127.0.0.1/", nil
		}
		return s, nil
	}
	client, err := introspect.New(c.Introspect, unknown, slog.New(slog.DiscardHandler))
	if err != nil {
		return line.WrapErr(err)
	}
	client.Close()
	return nil
}

var introspectBlock = block[introspect.Config]{
	name: "introspect",
	subs: []sub[introspect.Config]{
		{name: "preset", syntax: "<name>", parse: parsePreset},
		{name: "method", syntax: "<METHOD>", parse: func(d *caddyfile.Dispenser, c *introspect.Config) error {
			err := word(d, &c.Method)
			c.Method = strings.ToUpper(c.Method)
			return err
		}},
		{name: "send", syntax: "header|form|query|json|cookie <name> <template>", many: true, parse: parseSend},
		{name: "forward_header", syntax: "<name> [query <name>]", many: true, parse: parseForwardHeader},
		{name: "auth", syntax: "basic <id> <secret>\nbearer <token>", parse: parseAuth},
		celSub("active_when", expr.Introspect, expr.Bool, func(c *introspect.Config) *string { return &c.ActiveWhen }),
		celSub("inactive_when", expr.Introspect, expr.Bool, func(c *introspect.Config) *string { return &c.InactiveWhen }),
		celSub("subject", expr.IntrospectActive, expr.Taken, func(c *introspect.Config) *string { return &c.Subject }),
		celSub("aliases", expr.IntrospectActive, expr.Names, func(c *introspect.Config) *string { return &c.Aliases }),
		celSub("session_id", expr.IntrospectActive, expr.Taken, func(c *introspect.Config) *string { return &c.SessionID }),
		{name: "shared_tokens", syntax: "on|off", parse: func(d *caddyfile.Dispenser, c *introspect.Config) error {
			return onOff(d, &c.SharedTokens)
		}},
		celSub("login_time", expr.IntrospectActive, expr.Time, func(c *introspect.Config) *string { return &c.LoginTime }),
		celSub("expires", expr.IntrospectActive, expr.Time, func(c *introspect.Config) *string { return &c.Expires }),
		celSub("device", expr.IntrospectActive, expr.String, func(c *introspect.Config) *string { return &c.Device }),
		celSub("claims", expr.IntrospectActive, expr.Map, func(c *introspect.Config) *string { return &c.Claims }),
		ttlSub("cache_ttl", func(c *introspect.Config) **conf.Duration { return &c.CacheTTL }),
		ttlSub("negative_ttl", func(c *introspect.Config) **conf.Duration { return &c.NegativeTTL }),
		ttlSub("stale_if_error", func(c *introspect.Config) **conf.Duration { return &c.StaleIfError }),
		{name: "sliding", syntax: "<duration>|off", parse: func(d *caddyfile.Dispenser, c *introspect.Config) error {
			if probe := *d; probe.NextArg() && probe.Val() == "off" {
				c.Sliding = new(conf.Duration)
				_, err := args(d, 1, 1)
				return err
			}
			return durationPtr(d, &c.Sliding)
		}},
		{name: "timeout", syntax: "<duration>", parse: func(d *caddyfile.Dispenser, c *introspect.Config) error {
			return duration(d, &c.Timeout)
		}},
		{name: "max_body", syntax: "<size>", parse: func(d *caddyfile.Dispenser, c *introspect.Config) error {
			return size(d, &c.MaxBody)
		}},
		{name: "max_in_flight", syntax: "<n>", parse: func(d *caddyfile.Dispenser, c *introspect.Config) error {
			return count(d, &c.MaxInFlight)
		}},
		{name: "transport", syntax: "http", parse: parseTransport},
	},
}

func celSub(name string, k expr.Kind, want expr.Type, field func(*introspect.Config) *string) sub[introspect.Config] {
	return sub[introspect.Config]{name: name, syntax: "<CEL>", parse: func(d *caddyfile.Dispenser, c *introspect.Config) error {
		return cel{k, want}.rest(d, name, field(c))
	}}
}

func ttlSub(name string, field func(*introspect.Config) **conf.Duration) sub[introspect.Config] {
	return sub[introspect.Config]{name: name, syntax: "<duration>", parse: func(d *caddyfile.Dispenser, c *introspect.Config) error {
		return durationPtr(d, field(c))
	}}
}

func parsePreset(d *caddyfile.Dispenser, c *introspect.Config) error {
	if err := word(d, &c.Preset); err != nil {
		return err
	}
	return oneOf(d, "preset", c.Preset, introspect.PresetNames()...)
}

func parseSend(d *caddyfile.Dispenser, c *introspect.Config) error {
	a, err := args(d, 3, 3)
	if err != nil {
		return err
	}
	if err := oneOf(d, "send", a[0], "header", "form", "query", "json", "cookie"); err != nil {
		return err
	}
	c.Send = append(c.Send, introspect.Param{In: a[0], Name: a[1], Value: a[2]})
	return nil
}

func parseForwardHeader(d *caddyfile.Dispenser, c *introspect.Config) error {
	a, err := args(d, 1, 3)
	if err != nil {
		return err
	}
	fh := introspect.ForwardHeader{Name: a[0]}
	if len(a) > 1 {
		if len(a) != 3 || a[1] != "query" {
			return errForm
		}
		fh.Query = a[2]
	}
	c.ForwardHeaders = append(c.ForwardHeaders, fh)
	return nil
}

func parseAuth(d *caddyfile.Dispenser, c *introspect.Config) error {
	a := d.RemainingArgs()
	switch {
	case len(a) == 3 && a[0] == "basic":
		c.Auth = &introspect.Auth{Type: a[0], ID: a[1], Secret: a[2]}
	case len(a) == 2 && a[0] == "bearer":
		c.Auth = &introspect.Auth{Type: a[0], Secret: a[1]}
	default:
		return errForm
	}
	return nil
}
