package centrifuge

import (
	"context"
	"slices"
	"strings"

	"github.com/centrifugal/protocol"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/pubsub/history"
)

// rejectUnrecovered is the flag of a client that would rather not be subscribed than
// have missed something.
const rejectUnrecovered = 1 << 1

// subscribe carries out a subscribe command. The reply goes out when Redis has the
// channel, and before any message of it.
func (l *loop) subscribe(ctx context.Context, o *Options, id uint32, req *protocol.SubscribeRequest) {
	switch {
	case req.Channel == "" || req.Tf != nil:
		l.fail(id, errBadRequest)
		return
	case req.Type != 0:
		l.fail(id, errNotAvailable)
		return
	}
	name := strings.Clone(req.Channel)
	if i := l.holds(name); i >= 0 {
		if h := l.held[i]; h.joined || h.redis == "" || l.hub.Listens(l.socket, h.redis, l.encoder(h)) {
			l.fail(id, errSubscribed)
			return
		}
		l.held = slices.Delete(l.held, i, i+1) // a gap ended it
	}
	m, err := o.Rules.Match(name, *l.client.User)
	switch {
	case err != nil:
		l.fail(id, errorOf(err))
		return
	case l.own() >= o.Channels:
		l.fail(id, errLimit)
		return
	case m.Guarded():
		l.flush() // the backend may take its time
		if err := o.Rules.Authorize(ctx, m, *l.client.User); err != nil {
			l.fail(id, errorOf(err))
			return
		}
	}
	if m.Redis == "" {
		l.held = append(l.held, held{name: name})
		l.reply(&protocol.Reply{Id: id, Subscribe: &protocol.SubscribeResult{}})
		return
	}
	l.hub.Hold(m.Redis)
	defer l.hub.Release(m.Redis)
	if err := l.server.Live(ctx, m.Redis); err != nil {
		l.fail(id, errInternal)
		return
	}
	l.begin(id, req, name, &m)
}

// own is how many channels the client has subscribed to.
func (l *loop) own() (n int) {
	for i := range l.held {
		if !l.held[i].joined {
			n++
		}
	}
	return n
}

// begin subscribes the socket. The replies so far, this one among them, are the first
// that it gets.
func (l *loop) begin(id uint32, req *protocol.SubscribeRequest, name string, m *channel.Match) {
	must := req.Recover && req.Flag&rejectUnrecovered != 0
	from := hub.From{Keep: m.History(), Last: m.Last(), Since: since(req), Must: must}
	h := held{name: name, redis: m.Redis, kept: from.Keep.On()}
	added := l.hub.SubscribeFrom(l.socket, m.Redis, l.encoder(h), from, func(dst []byte, st *hub.Start) []byte {
		r := &protocol.Reply{Id: id}
		if must && !st.Recovered {
			r.Error = errUnrecoverable
		} else {
			r.Subscribe = l.result(req.Recover, st)
		}
		return l.appendLast(dst, r)
	})
	if added { // else refused, or closed meanwhile
		l.held = append(l.held, h)
	}
}

// since is what a request wants to recover from.
func since(req *protocol.SubscribeRequest) history.Position {
	if !req.GetRecover() {
		return history.Position{}
	}
	return history.Position{Epoch: strings.Clone(req.Epoch), Offset: req.Offset}
}

// result says where a subscription begins, and has what the client missed.
func (l *loop) result(recovering bool, st *hub.Start) *protocol.SubscribeResult {
	recoverable := st.Position.Epoch != ""
	res := &protocol.SubscribeResult{
		Recoverable: recoverable, Positioned: recoverable,
		Epoch: st.Position.Epoch, Offset: st.Position.Offset,
		WasRecovering: recovering, Recovered: recovering && st.Recovered,
		Publications: l.publications(st.Missed),
	}
	return res
}

func (l *loop) publications(all []hub.Message) (out []*protocol.Publication) {
	for i := range all {
		out = append(out, &protocol.Publication{Data: l.format.data(all[i].Payload), Offset: all[i].Offset})
	}
	return out
}

func (l *loop) encoder(h held) Encoder {
	return Encoder{Channel: h.name, Format: l.format, Deflate: l.deflate, Numbered: h.kept, Joined: h.joined}
}

// unsubscribe carries out an unsubscribe command. One that was not subscribed to is no
// mistake: a gap may have ended it.
func (l *loop) unsubscribe(id uint32, req *protocol.UnsubscribeRequest) {
	if i := l.holds(req.Channel); i >= 0 && !l.held[i].joined {
		if h := l.held[i]; h.redis != "" {
			l.hub.Unsubscribe(l.socket, h.redis, l.encoder(h))
		}
		l.held = slices.Delete(l.held, i, i+1)
	}
	l.reply(&protocol.Reply{Id: id, Unsubscribe: &protocol.UnsubscribeResult{}})
}
