package hub

import (
	"time"

	"github.com/wsgate/wsgate/core/pubsub/history"
	"github.com/wsgate/wsgate/core/token"
)

// floor is where a resumable subscription began: what is known of a client until it
// has confirmed something that was sent later.
type floor struct {
	at    history.Position
	since uint64 // the event of the subscription
	keep  time.Duration
	took  *history.Broken // what it resumed
	// passed is what was confirmed when another socket of the login went on from
	// here, plus 1; lent is when, if that is a socket of another node, which may not
	// have got it.
	passed uint64
	lent   time.Time
}

// lendGrace is how long a place is remembered that another node was told.
const lendGrace = time.Second

// LeftOff yields where a login left a channel on this node, for its socket that has
// come to another one.
func (h *Hub) LeftOff(login token.Fingerprint, channel string) (at history.Position, ok bool) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	at, ok = h.breaks.Lend(login, channel, now, lendGrace)
	return h.unconfirmedOf(login, channel, at, ok, now)
}

// Resumable says that sockets were watched which could be resumed.
func (h *Hub) Resumable() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.resumed
}

// ResumableChannels are those that sockets listen to and could resume.
func (h *Hub) ResumableChannels() (names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, g := range h.channels {
		for ; g != nil; g = g.next {
			if g.resumable && len(g.subs) > 0 {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

// resume begins to watch how far s gets in a channel, and yields where its login left
// it: the oldest place of its sockets that broke off, and of those that have not
// confirmed all that they were sent, for a connection may be dead long before anybody
// notices. It must be called with Hub.mu held.
func (h *Hub) resume(s *Socket, r *history.Ring, keep time.Duration, now time.Time) (at history.Position, ok bool) {
	took, at := h.breaks.Take(s.meta.Login, r.Name(), now)
	at, ok = h.unconfirmedOf(s.meta.Login, r.Name(), at, took != nil, time.Time{})
	p := s.progress.Load()
	h.resumed = true
	if p == nil {
		p = &progress{floors: map[string]floor{}}
		s.progress.Store(p)
	}
	// A tick of its own: a probe that was sent before the first frames of this
	// subscription must not confirm them.
	p.floors[r.Name()] = floor{at: r.Position(), since: h.history.Tick(), keep: keep, took: took}
	return at, ok
}

// resumed says where the subscription did begin. It must be called with Hub.mu held.
func (s *Socket) resumed(channel string, at history.Position) {
	p := s.progress.Load()
	f := p.floors[channel]
	f.at = at
	p.floors[channel] = f
}

// unconfirmedOf yields the oldest of at, if ok, and of what the sockets of a login have
// confirmed of a channel, where that is not all. These are passed then, by a socket of
// another node if lent is not zero. It must be called with Hub.mu held.
func (h *Hub) unconfirmedOf(login token.Fingerprint, channel string, at history.Position, ok bool, lent time.Time) (history.Position, bool) {
	r := h.history.Find(channel)
	for o := h.logins[login]; o != nil && r != nil; o = o.next {
		p := o.progress.Load()
		if p == nil {
			continue
		}
		f, has := p.floors[channel]
		if !has {
			continue
		}
		reached := h.reached(p, r, &f)
		if r.Settled() && reached == r.Position() {
			continue
		}
		f.passed, f.lent = p.confirmed.Load()+1, lent
		p.floors[channel] = f
		if ok {
			reached = history.Older(at, reached)
		}
		at, ok = reached, true
	}
	return at, ok
}

// reached is how far a client has got in a channel, for sure. It must be called with
// Hub.mu held.
func (h *Hub) reached(p *progress, r *history.Ring, f *floor) history.Position {
	if c := p.confirmed.Load(); c >= f.since {
		return r.At(c)
	}
	return f.at
}

// forget ends the watch over a channel; broke says that the socket did not close it.
// It must be called with Hub.mu held.
func (h *Hub) forget(s *Socket, channel string, broke bool) {
	p := s.progress.Load()
	if p == nil {
		return
	}
	f, ok := p.floors[channel]
	if !ok {
		return
	}
	delete(p.floors, channel)
	h.breaks.Release(s.meta.Login, channel, f.took)
	if !broke {
		return // nobody wants it
	}
	if f.passed == p.confirmed.Load()+1 {
		if f.lent.IsZero() {
			return // another socket has all that this one missed
		}
		if r := h.history.Find(channel); r != nil {
			h.breaks.Lent(s.meta.Login, channel, h.reached(p, r, &f), time.Now(), lendGrace)
		}
		return
	}
	if r := h.history.Find(channel); r != nil {
		h.breaks.Add(s.meta.Login, channel, h.reached(p, r, &f), f.keep, time.Now())
	}
}
