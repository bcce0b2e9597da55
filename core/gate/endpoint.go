package gate

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
	"github.com/wsgate/wsgate/core/wire/centrifuge"
	"github.com/wsgate/wsgate/core/wire/plain"
)

// endpoint is one socket or sse path of one configuration.
type endpoint struct {
	site     *Site
	path     string
	protocol string // of a socket
	framing  *hub.Framing
	ping     time.Duration
	notices  notices
	// One of these is what the protocol needs; the others are nil.
	plain      *plain.Options
	centrifuge *centrifuge.Options
	stream     *streamRules
	// binary is the same for the clients that ask for Protobuf; nil: none can.
	binary *endpoint
	// claims and headers say that a rule looks at them, token that one asks the backend
	// with it.
	claims, headers, token bool
	// resumes says that plain sockets may.
	resumes bool
	// compression may be agreed on with a client that offers it.
	compression bool
}

const defaultPing = 25 * time.Second

func newEndpoint(asks channel.Options, cfg *Config, sc *Socket, preset introspect.Preset, l Limits) (*endpoint, error) {
	asks.Allow = preset.Allow
	rules, err := channel.Compile(sc.Account, sc.Channels, cfg.keyPrefix(), asks)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	joins, err := channel.CompileJoins(sc.Join, cfg.keyPrefix(), rules)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	ep := &endpoint{
		path:        sc.Path,
		protocol:    cmp.Or(sc.Protocol, ProtocolPlain),
		framing:     hub.WebSocket,
		ping:        sc.Ping.Or(defaultPing),
		compression: sc.Compression,
		claims:      rules.UsesClaims() || joins.UsesClaims(),
		headers:     rules.UsesHeaders(),
		// Asking about a login once more takes its token.
		token: rules.UsesToken() || cfg.slides(),
	}
	if ep.protocol == ProtocolCentrifuge {
		return ep, ep.speakCentrifuge(sc, centrifuge.Options{
			Rules:    rules,
			Joins:    joins,
			Channels: l.ChannelsPerConnection,
			Commands: l.CommandsPerSecond,
			Ping:     ep.ping,
		})
	}
	if ep.notices, err = newNotices(sc.Messages, say(wire.TextFrame)); err != nil {
		return nil, err
	}
	if err := sc.checkHeartbeat(sc.heartbeat(preset)); err != nil {
		return nil, err
	}
	ep.plain = plainOptions(sc, preset, l)
	ep.plain.Rules, ep.plain.Joins = rules, joins
	ep.resumes = rules.Resumes()
	ep.plain.Gap = ep.notices.gap.frame
	return ep, nil
}

func plainOptions(sc *Socket, preset introspect.Preset, l Limits) *plain.Options {
	beat := sc.heartbeat(preset)
	return &plain.Options{
		Heartbeat: beat.Text,
		Reply:     replyFrame(beat.Reply),
		Errors:    sc.Errors == nil || *sc.Errors,
		Channels:  l.ChannelsPerConnection,
		Commands:  l.CommandsPerSecond,
	}
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
	now atomic.Pointer[endpoint]
	// One of them serves the sockets.
	plain      *plain.Server
	centrifuge *centrifuge.Server
}

func (l *liveEndpoint) load() *endpoint { return l.now.Load() }

// live finds the living side of an endpoint, and begins it with this
// configuration where there was none.
func (g *Gate) live(ep *endpoint) *liveEndpoint {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := ep.address()
	l := g.endpoints[at]
	if l == nil {
		l = &liveEndpoint{}
		l.now.Store(ep)
		switch {
		case ep.stream != nil: // its client never asks again
		case ep.protocol == ProtocolCentrifuge:
			l.centrifuge = &centrifuge.Server{
				Context: g.ctx, Hub: g.hub, Options: func() *centrifuge.Options { return l.load().centrifuge },
				Live: g.awaitChannel, Publish: g.publish, Spawn: g.spawn,
			}
		default:
			l.plain = &plain.Server{
				LeftOff: g.leftOff,
				Context: g.ctx, Hub: g.hub, Options: func() *plain.Options { return l.load().plain },
				Publish: g.publish, Spawn: g.spawn,
			}
		}
		g.endpoints[at] = l
	}
	return l
}

// awaitChannel waits until a Redis channel that the hub holds is live.
func (g *Gate) awaitChannel(ctx context.Context, channel string) error {
	return g.shared.Load().link.Await(ctx, channel)
}

// activate makes the sockets that are open on a path follow its configuration.
func (g *Gate) activate(ep *endpoint) {
	l := g.live(ep)
	old := l.now.Swap(ep)
	claims, headers, token := ep.claims && !old.claims, ep.headers && !old.headers, ep.token && !old.token
	if !claims && !headers && !token && !g.spokeOtherwise(ep) {
		return
	}
	g.hub.Each(func(s *hub.Socket) {
		cl, ok := s.Meta().User.(*client)
		switch {
		case !ok:
		case cl.site == l && (claims && cl.user.Claims == nil || headers && cl.user.Request.Headers == nil || token && cl.user.Token.IsZero()),
			cl.site.load().name() == ep.name() && cl.site.load().protocol != ep.protocol:
			// What the new rules look at was not kept, or the path spoke another
			// protocol: let the client come again.
			g.bid(s, farewell{code: wire.CloseRestarting, reason: "reconnect"})
		}
	})
}

// spokeOtherwise says whether a path had another protocol. It forgets that.
func (g *Gate) spokeOtherwise(ep *endpoint) (was bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for at := range g.endpoints {
		if at.path == ep.name() && at.protocol != ep.protocol {
			delete(g.endpoints, at)
			was = true
		}
	}
	return was
}

// dormant says that asking the backend by a user's token would renew a login that
// nobody uses.
func (g *Gate) dormant(ctx context.Context, u *channel.User) bool {
	return g.shared.Load().sliding.dormant(ctx, u.Subject, u.Login)
}

// probe asks the backend over a channel, as introspection asks it over a token.
func (g *Gate) probe(ctx context.Context, method, uri string, t token.Token) (channel.Response, error) {
	res, err := g.shared.Load().asker.Probe(ctx, method, uri, t)
	return channel.Response{Status: res.Status, Header: res.Header, Body: res.Body}, err
}
