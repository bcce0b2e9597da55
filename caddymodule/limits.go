package caddymodule

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wsgate/wsgate/core/gate"
)

// parseLimits parses what clients may use. Syntax:
//
//	limits {
//		connections             <n>
//		connections_per_login   <n>
//		connections_per_ip      <n>
//		channels_per_connection <n>
//		message_size            <size>
//		commands_per_second     <n>
//		queue                   <size>
//		unknown_tokens_per_ip   <a minute> <at once>|off
//	}
func parseLimits(d *caddyfile.Dispenser, c *gate.Config) error {
	return parseBlock(d, limitsBlock, &c.Limits)
}

var limitsBlock = block[gate.Limits]{
	name: "limits",
	subs: []sub[gate.Limits]{
		limitSub("connections", func(l *gate.Limits) *int { return &l.Connections }),
		limitSub("connections_per_login", func(l *gate.Limits) *int { return &l.ConnectionsPerLogin }),
		limitSub("connections_per_ip", func(l *gate.Limits) *int { return &l.ConnectionsPerIP }),
		limitSub("channels_per_connection", func(l *gate.Limits) *int { return &l.ChannelsPerConnection }),
		{name: "message_size", syntax: "<size>", parse: func(d *caddyfile.Dispenser, l *gate.Limits) error {
			return size(d, &l.MessageSize)
		}},
		limitSub("commands_per_second", func(l *gate.Limits) *int { return &l.CommandsPerSecond }),
		{name: "queue", syntax: "<size>", parse: func(d *caddyfile.Dispenser, l *gate.Limits) error {
			var n int64
			err := size(d, &n)
			l.Queue = int(n)
			return err
		}},
		{name: "unknown_tokens_per_ip", syntax: "<a minute> <at once>\noff", parse: parseUnknownTokens},
	},
}

func limitSub(name string, field func(*gate.Limits) *int) sub[gate.Limits] {
	return sub[gate.Limits]{name: name, syntax: "<n>", parse: func(d *caddyfile.Dispenser, l *gate.Limits) error {
		return count(d, field(l))
	}}
}

func parseUnknownTokens(d *caddyfile.Dispenser, l *gate.Limits) error {
	name := d.Val()
	a := d.RemainingArgs()
	if len(a) == 1 && a[0] == "off" {
		l.UnknownTokens.Off = true
		return nil
	}
	if len(a) != 2 {
		return errForm
	}
	var err error
	if l.UnknownTokens.PerMinute, err = number(d, name, a[0]); err != nil {
		return err
	}
	l.UnknownTokens.AtOnce, err = number(d, name, a[1])
	return err
}
