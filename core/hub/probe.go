package hub

import (
	"sync/atomic"
	"time"

	"github.com/wsgate/wsgate/core/wire"
)

// A write that succeeded says nothing of what the client has: a broken connection, or
// a proxy on the way, may have swallowed it. So sockets whose channels can be resumed
// are sent a ping behind what they get, and the pong confirms all that went before.
// One ping is out at a time, so that there are no more than round trips.

const (
	probesPerSecond = 4
	probesAtOnce    = 16
)

// progress is what is known of how far a client with resumable channels has got, in
// events of the hub's history.
type progress struct {
	// floors are by Redis channel. Hub.mu is over them, and over waiting: the socket
	// is in Hub.unconfirmed.
	floors  map[string]floor
	waiting bool

	confirmed atomic.Uint64

	// Socket.mu is over these.
	rate   wire.Rate
	out    bool   // a probe is
	number byte   // of that
	upTo   uint64 // what it will confirm
	more   bool   // something was sent after it
}

// probes are pings with a number.
var probes = func() (p [256][]byte) {
	for i := range p {
		p[i] = wire.AppendFrame(nil, wire.OpPing, []byte{byte(i)})
	}
	return p
}()

// probe asks the client to confirm what it was sent up to an event, unless it is being
// asked already. later says that it was asked often enough, for now. It must be called
// with neither lock held.
func (s *Socket) probe(w *rawWriter, upTo uint64) (later bool) {
	p := s.progress.Load()
	s.mu.Lock()
	if s.ending || s.dead || p.confirmed.Load() >= upTo || p.out && p.upTo >= upTo {
		s.mu.Unlock()
		return false
	}
	if p.out || p.rate.Take(time.Since(s.hub.wheel.origin), probesPerSecond, probesAtOnce) != wire.RateAllowed {
		p.more, later = true, !p.out
		s.mu.Unlock()
		return later
	}
	p.number++
	p.out, p.more, p.upTo = true, false, upTo
	frame := probes[p.number]
	s.mu.Unlock()
	s.deliver(w, frame)
	return false
}

// Pong is told of the client's pongs that hold one byte.
func (s *Socket) Pong(number byte) {
	s.Seen()
	p := s.progress.Load()
	if p == nil {
		return
	}
	s.mu.Lock()
	if !p.out || p.number != number {
		s.mu.Unlock()
		return
	}
	p.out = false
	p.confirmed.Store(p.upTo)
	more := p.more
	s.mu.Unlock()
	if more {
		s.hub.probe(s)
	}
}

// probe has s probed for all that was flushed, now or at the next tick.
func (h *Hub) probe(s *Socket) {
	w := rawWriters.Get().(*rawWriter)
	if s.probe(w, h.written.Load()) {
		h.mu.Lock()
		h.probeLater(s)
		h.mu.Unlock()
	}
	rawWriters.Put(w)
}

// probeLater must be called with Hub.mu held.
func (h *Hub) probeLater(s *Socket) {
	if p := s.progress.Load(); !p.waiting && !s.gone {
		p.waiting = true
		h.unconfirmed = append(h.unconfirmed, s)
	}
}

// probe asks all that got something resumable.
func (f *flusher) probe() {
	for i := range f.batches {
		if !f.batches[i].resumable {
			continue
		}
		for _, s := range f.batches[i].subs {
			if s.progress.Load() != nil && s.probe(f.raw, f.upTo) {
				f.later = append(f.later, s)
			}
		}
	}
}
