package caddymodule

import (
	"cmp"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/gate"
)

// parseSocket parses one socket path. Syntax:
//
//	socket <path> {
//		protocol  plain|centrifuge
//		account   <pattern> [<redis channel>]
//		channel   <pattern> [<redis channel>] { authorize … }
//		join      <redis channel>
//		heartbeat <text> <reply>
//		message   displaced|kicked|expired|gap <text>
//		errors    on|off
//		compression on|off
//		ping      <duration>
//	}
func parseSocket(d *caddyfile.Dispenser, c *gate.Config) error {
	line := *d
	var s gate.Socket
	if err := word(d, &s.Path); err != nil {
		return err
	}
	for _, other := range c.Sockets {
		if other.Path == s.Path {
			return d.Errf("socket %s stands twice: write it once", s.Path)
		}
	}
	if err := parseBlock(d, socketBlock, &s); err != nil {
		return err
	}
	if s.Protocol == gate.ProtocolCentrifuge && (s.Heartbeat != nil || s.Errors != nil) {
		return line.Errf("heartbeat and errors are of protocol plain: centrifuge has its own, so leave them out")
	}
	if err := s.Validate("socket"); err != nil {
		return line.WrapErr(err)
	}
	if err := checkTogether(&s, c); err != nil {
		return line.WrapErr(err)
	}
	c.Sockets = append(c.Sockets, s)
	return nil
}

// checkTogether checks what the rules of a path do together; each was checked on its
// line.
func checkTogether(s *gate.Socket, c *gate.Config) error {
	prefix := cmp.Or(c.KeyPrefix, gate.DefaultKeyPrefix)
	if _, err := channel.Compile(s.Account, s.Channels, prefix, channel.Options{}); err != nil {
		return err
	}
	_, err := channel.CompileJoins(s.Join, prefix, nil)
	return err
}

var socketBlock = block[gate.Socket]{
	name: "socket",
	subs: []sub[gate.Socket]{
		{name: "protocol", syntax: "plain|centrifuge", parse: parseProtocol},
		{name: "account", syntax: "<pattern> [<redis channel>]", parse: parseAccount},
		{name: "channel", syntax: "<pattern> [<redis channel>]", many: true, nests: channelBlock, parse: parseChannel},
		{name: "join", syntax: "<redis channel>", many: true, parse: parseJoin},
		{name: "heartbeat", syntax: "<text> <reply>", parse: func(d *caddyfile.Dispenser, s *gate.Socket) error {
			a, err := args(d, 2, 2)
			if err != nil {
				return err
			}
			s.Heartbeat = &gate.Heartbeat{Text: a[0], Reply: a[1]}
			return nil
		}},
		{name: "message", syntax: "displaced|kicked|expired|gap <text>", many: true, parse: parseMessage},
		{name: "errors", syntax: "on|off", parse: func(d *caddyfile.Dispenser, s *gate.Socket) error {
			return onOff(d, &s.Errors)
		}},
		{name: "compression", syntax: "on|off", parse: func(d *caddyfile.Dispenser, s *gate.Socket) error {
			var on *bool
			if err := onOff(d, &on); err != nil {
				return err
			}
			s.Compression = *on
			return nil
		}},
		{name: "ping", syntax: "<duration>", parse: func(d *caddyfile.Dispenser, s *gate.Socket) error {
			return duration(d, &s.Ping)
		}},
	},
}

func parseProtocol(d *caddyfile.Dispenser, s *gate.Socket) error {
	if err := word(d, &s.Protocol); err != nil {
		return err
	}
	return oneOf(d, "protocol", s.Protocol, gate.ProtocolPlain, gate.ProtocolCentrifuge)
}

func parseAccount(d *caddyfile.Dispenser, s *gate.Socket) error {
	a, err := args(d, 1, 2)
	if err != nil {
		return err
	}
	s.Account = &channel.Account{Pattern: a[0]}
	if len(a) == 2 {
		s.Account.Redis = a[1]
	}
	if _, err := channel.Compile(s.Account, nil, "", channel.Options{}); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func parseJoin(d *caddyfile.Dispenser, s *gate.Socket) error {
	var name string
	if err := word(d, &name); err != nil {
		return err
	}
	s.Join = append(s.Join, name)
	if _, err := channel.CompileJoins(s.Join, "", nil); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func parseMessage(d *caddyfile.Dispenser, s *gate.Socket) error {
	if !d.NextArg() {
		return errForm
	}
	kind := d.Val()
	into, ok := map[string]**string{
		"displaced": &s.Messages.Displaced,
		"kicked":    &s.Messages.Kicked,
		"expired":   &s.Messages.Expired,
		"gap":       &s.Messages.Gap,
	}[kind]
	if !ok {
		return oneOf(d, "message", kind, "displaced", "kicked", "expired", "gap")
	}
	if *into != nil {
		return d.Errf("message %s stands twice: write it once", kind)
	}
	if err := text(d, into); err != nil {
		return err
	}
	if err := s.Messages.Validate(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}
