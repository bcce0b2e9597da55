package centrifuge

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/centrifugal/protocol"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

// connect answers the first command. Its token is what the socket is admitted with; where
// it was already, the token must be the same, if there is one.
func (l *loop) connect(ctx context.Context, o *Options, id uint32, req *protocol.ConnectRequest) {
	if l.connected {
		l.refuse("connected already")
		return
	}
	t, err := readToken(req.Token)
	if err != nil || l.client.User != nil && !t.IsZero() && !l.client.Is(t) {
		l.fail(id, errBadRequest)
		l.refuse("the token is malformed, or there are two")
		return
	}
	if l.client.User == nil && !l.admit(id, t) {
		return
	}
	l.connected, l.client.Is, l.client.Admit = true, nil, nil
	res := &protocol.ConnectResult{Client: rand.Text(), Version: "wsgate", Ping: seconds(o.Ping), Pong: true}
	res.Expires, res.Ttl = ttl(l.client.Expires, time.Now())
	if joins := o.Joins.Channels(*l.client.User); len(joins) > 0 {
		l.join(ctx, joins, req, &protocol.Reply{Id: id, Connect: res})
		return
	}
	l.reply(&protocol.Reply{Id: id, Connect: res})
}

// readToken reads the token of a command; an empty one is the zero Token. As in every
// other place, a JWT counts in its canonical spelling alone.
func readToken(raw string) (token.Token, error) {
	t, err := token.New(strings.Clone(raw))
	if err != nil {
		return token.Token{}, err
	}
	if _, canonical := t.Canonical(); !canonical {
		return token.Token{}, token.ErrMalformed
	}
	return t, nil
}

// join subscribes the socket to the channels of the site's choice, whose places the
// connect result has. During an outage of Redis it does not wait for long: what is
// lost until it is back, is told as a gap.
func (l *loop) join(ctx context.Context, joins []channel.Match, req *protocol.ConnectRequest, r *protocol.Reply) {
	wishes := make([]hub.Wish, len(joins))
	for i := range joins {
		m := &joins[i]
		name, from := m.Redis, hub.From{Keep: m.History(), Last: m.Last(), Since: since(req.Subs[m.Redis])}
		h := held{name: name, redis: name, kept: from.Keep.On(), joined: true}
		wishes[i] = hub.Wish{Channel: name, Encoder: l.encoder(h), From: from}
		l.held = append(l.held, h)
		l.hub.Hold(name)
		defer l.hub.Release(name)
		_ = l.server.Live(ctx, name)
	}
	r.Connect.Subs = make(map[string]*protocol.SubscribeResult, len(joins))
	l.hub.SubscribeTogether(l.socket, wishes, func(dst []byte, starts []hub.Start) []byte {
		for i := range starts {
			name := joins[i].Redis
			r.Connect.Subs[name] = l.result(req.Subs[name].GetRecover(), &starts[i])
		}
		return l.appendLast(dst, r)
	})
}

// admit has the gate look at the token. A client whose token may be refreshed is told
// so, for it keeps the one it has unless that has expired.
func (l *loop) admit(id uint32, t token.Token) bool {
	c, ok := l.client.Admit(l.server.Context, t, func(code wire.CloseCode) {
		if code == wire.CloseExpired {
			l.fail(id, errExpired)
			l.flush()
		}
	})
	if ok {
		l.client = c
	}
	return ok
}

// seconds is at least one, for zero would mean never.
func seconds(d time.Duration) uint32 {
	return uint32(max(1, min((d+time.Second-1)/time.Second, 1<<31))) //nolint:gosec // bounded
}

// earliest is how much before its token's end a client is asked for a fresh one.
const earliest = 10 * time.Second

// ttl tells a client when to refresh: ten seconds before the end, and not before two
// thirds of what is left.
func ttl(expires, now time.Time) (has bool, secs uint32) {
	if expires.IsZero() {
		return false, 0
	}
	left := max(0, expires.Sub(now))
	return true, seconds(left - min(left/3, earliest))
}
