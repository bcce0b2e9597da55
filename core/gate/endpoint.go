package gate

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
	"github.com/wsgate/wsgate/core/wire/plain"
)

// endpoint is one socket path of one configuration.
type endpoint struct {
	path    string
	ping    time.Duration
	notices notices
	options *plain.Options
	// claims says that a rule looks at them, token that one asks the backend with it.
	claims, token bool
	// compression may be agreed on with a client that offers it.
	compression bool
}

const defaultPing = 25 * time.Second

func newEndpoint(g *Gate, cfg *Config, sc *Socket, preset introspect.Preset, l Limits) (*endpoint, error) {
	rules, err := channel.Compile(sc.Account, sc.Channels, cfg.keyPrefix(), channel.Options{
		Probe: g.probe,
		Allow: preset.Allow,
	})
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	joins, err := channel.CompileJoins(sc.Join, cfg.keyPrefix())
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	beat := Heartbeat{Text: "ping", Reply: "pong"}
	switch {
	case sc.Heartbeat != nil:
		beat = *sc.Heartbeat
	case preset.Heartbeat.Text != "":
		beat = Heartbeat(preset.Heartbeat)
	}
	told, err := newNotices(sc.Messages)
	if err != nil {
		return nil, err
	}
	return &endpoint{
		path:        sc.Path,
		ping:        sc.Ping.Or(defaultPing),
		notices:     told,
		compression: sc.Compression,
		claims:      rules.UsesClaims() || joins.UsesClaims(),
		token:       rules.UsesToken(),
		options: &plain.Options{
			Rules:     rules,
			Joins:     joins,
			Heartbeat: beat.Text,
			Reply:     replyFrame(beat.Reply),
			Errors:    sc.Errors == nil || *sc.Errors,
			Channels:  l.ChannelsPerConnection,
			Commands:  l.CommandsPerSecond,
		},
	}, nil
}

// replyFrame is the answer to a heartbeat; "" is none.
func replyFrame(text string) []byte {
	if text == "" {
		return nil
	}
	return wire.TextFrame(text)
}

// liveEndpoint is a socket path as the sockets that are open on it see it: a
// reload changes what it points to, so that they follow.
type liveEndpoint struct {
	now    atomic.Pointer[endpoint]
	server *plain.Server
}

func (l *liveEndpoint) load() *endpoint { return l.now.Load() }

// live finds the living side of an endpoint, and begins it with this
// configuration where there was none.
func (g *Gate) live(ep *endpoint) *liveEndpoint {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.endpoints[ep.path]
	if l == nil {
		l = &liveEndpoint{}
		l.now.Store(ep)
		l.server = g.server(func() *plain.Options { return l.load().options })
		g.endpoints[ep.path] = l
	}
	return l
}

// server serves sockets with these options.
func (g *Gate) server(options func() *plain.Options) *plain.Server {
	return &plain.Server{Context: g.ctx, Hub: g.hub, Options: options, Publish: g.publish, Spawn: g.spawn}
}

// activate makes the sockets that are open on a path follow its configuration.
func (g *Gate) activate(ep *endpoint) {
	l := g.live(ep)
	old := l.now.Swap(ep)
	claims, token := ep.claims && !old.claims, ep.token && !old.token
	if !claims && !token {
		return
	}
	// What the new rules look at was not kept: let the clients come again.
	g.hub.Each(func(s *hub.Socket) {
		cl, ok := s.Meta().User.(*client)
		if ok && cl.site == l && (claims && cl.user.Claims == nil || token && cl.user.Token.IsZero()) {
			g.bid(s, farewell{code: wire.CloseRestarting, reason: "reconnect"})
		}
	})
}

// probe asks the backend over a channel, as introspection asks it over a token.
func (g *Gate) probe(ctx context.Context, method, uri string, t token.Token) (channel.Response, error) {
	res, err := g.shared.Load().asker.Probe(ctx, method, uri, t)
	return channel.Response{Status: res.Status, Header: res.Header, Body: res.Body}, err
}
