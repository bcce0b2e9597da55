package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/gate"
)

// parseSSE parses one path of event streams, which has what sockets have but for what a
// stream can't do. Syntax:
//
//	sse <path> {
//		account <pattern> [<redis channel>]
//		channel <pattern> [<redis channel>] { authorize … ; history … ; last }
//		join    <redis channel>
//		message displaced|kicked|expired|gap <text>
//		errors  on|off
//		ping    <duration>
//	}
func parseSSE(d *caddyfile.Dispenser, c *gate.Config) error {
	line := *d
	var s gate.Socket
	if err := word(d, &s.Path); err != nil {
		return err
	}
	for _, other := range c.SSE {
		if other.Path == s.Path {
			return d.Errf("sse %s stands twice: write it once", s.Path)
		}
	}
	if err := parseBlock(d, sseBlock, &s); err != nil {
		return err
	}
	if err := s.Validate("sse"); err != nil {
		return line.WrapErr(err)
	}
	if err := checkTogether(&s, c); err != nil {
		return line.WrapErr(err)
	}
	c.SSE = append(c.SSE, s)
	return nil
}

var sseBlock = block[gate.Socket]{
	name: "sse",
	subs: append(without(socketBlock.subs, "protocol", "heartbeat", "compression", "channel"), sub[gate.Socket]{
		name: "channel", syntax: "<pattern> [<redis channel>]", many: true, nests: sseChannelBlock,
		parse: func(d *caddyfile.Dispenser, s *gate.Socket) error { return parseRule(d, s, sseChannelBlock) },
	}),
	not: map[string]string{
		"protocol":    "a stream has no other; leave it out",
		"heartbeat":   "a stream has keep-alive comments by itself, see ping; leave it out",
		"compression": "a stream is never compressed; leave it out",
	},
}

var sseChannelBlock = block[channel.Config]{
	name: "channel",
	subs: without(channelBlock.subs, "publish", "resume"),
	not: map[string]string{
		"publish": "a stream has no way back: write it in a socket's rule",
		"resume":  "a stream resumes by itself where there is a `history`; leave it out",
	},
}

func without[T any](subs []sub[T], names ...string) []sub[T] {
	return slices.DeleteFunc(slices.Clone(subs), func(s sub[T]) bool { return slices.Contains(names, s.name) })
}

// endStreams has the streams end that a stopping server would wait for. It is called
// while the server is provisioned. A reload stops the old server, too, but streams
// outlive that.
func (h *Handler) endStreams(ctx caddy.Context) {
	srv, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok || len(h.SSE) == 0 {
		return
	}
	site := h.site
	srv.RegisterOnShutdown(func() {
		if caddy.Exiting() {
			site.EndShared()
		}
	})
}
