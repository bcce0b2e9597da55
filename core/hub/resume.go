package hub

import (
	"time"

	"github.com/wsgate/wsgate/core/pubsub/history"
)

// floor is where a resumable subscription began: what is known of a client until it
// has confirmed something that was sent later.
type floor struct {
	at    history.Position
	since uint64 // the event of the subscription
	keep  time.Duration
	took  *history.Broken // what it resumed
	// passed is what was confirmed when another socket of the login went on from
	// here, plus 1.
	passed uint64
}

// resume begins to watch how far s gets in a channel. It yields where its login left
// it: the oldest place of its sockets that broke off, and of those that have not
// confirmed all that they were sent, for a connection may be dead long before anybody
// notices. It must be called with Hub.mu held.
func (h *Hub) resume(s *Socket, r *history.Ring, keep time.Duration, now time.Time) (at history.Position, ok bool) {
	took, at := h.breaks.Take(s.meta.Login, r.Name(), now)
	ok = took != nil
	for o := h.logins[s.meta.Login]; o != nil; o = o.next {
		p := o.progress.Load()
		if p == nil || o == s {
			continue
		}
		f, has := p.floors[r.Name()]
		if !has {
			continue
		}
		reached := h.reached(p, r, &f)
		if r.Settled() && reached == r.Position() {
			continue
		}
		f.passed = p.confirmed.Load() + 1
		p.floors[r.Name()] = f
		if ok {
			reached = history.Older(at, reached)
		}
		at, ok = reached, true
	}
	p := s.progress.Load()
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
	if !broke || f.passed == p.confirmed.Load()+1 {
		return // nobody wants it, or another socket has all that this one missed
	}
	if r := h.history.Find(channel); r != nil {
		h.breaks.Add(s.meta.Login, channel, h.reached(p, r, &f), f.keep, time.Now())
	}
}
