package hub

import (
	"math/rand/v2"
	"time"
)

const (
	// tick is how often the wheel turns, and so how late a ping or an expiry may be.
	tick = 250 * time.Millisecond
	// slots times tick is the longest that a socket goes unvisited: 64 s.
	slots = 256
)

// wheel visits each socket when its next ping is due or its token ends, whichever
// comes first. Hub.mu is over it. Nothing runs per socket, and no turn looks at
// more than is due, or 64 s old.
type wheel struct {
	origin time.Time
	now    int64 // the tick that was turned last
	slots  [slots][]*Socket
	tasks  []task // of the turn at hand
}

// place is where a socket is on the wheel, and what it is there for.
type place struct {
	ping    int64 // tick of the next ping
	index   int32
	slot    uint16
	on      bool
	missed  uint8 // pings without a sign of life
	expires int64 // tick at which the token has ended; 0: none

	// These are the wheel's goroutine's.
	stuck  uint8  // pings during which the writer got nowhere
	rounds uint32 // Socket.rounds at the last ping
}

// task is what a visit found to do.
type task struct {
	s    *Socket
	kind taskKind
}

type taskKind uint8

const (
	taskPing taskKind = iota
	taskSilent
	taskExpired
)

func (w *wheel) start() { w.origin = time.Now() }

// ticks is t in ticks of the wheel, rounded up, so that nothing comes early.
func (w *wheel) ticks(t time.Time) int64 {
	return int64((t.Sub(w.origin) + tick - 1) / tick)
}

// end is the tick at which a token has ended, 0 for one that never does.
func (w *wheel) end(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(1, w.ticks(t))
}

func (w *wheel) add(s *Socket, now time.Time) {
	s.place.expires = w.end(s.meta.Expires)
	// The first ping comes between a half and a whole interval from now, so that
	// sockets that came at once don't stay together.
	first := s.meta.Ping/2 + rand.N(s.meta.Ping/2+1) //nolint:gosec // no secret
	s.place.ping = w.ticks(now.Add(first))
	w.put(s)
}

// put places s where it has to be visited next.
func (w *wheel) put(s *Socket) {
	p := &s.place
	due := p.ping
	if p.expires > 0 {
		due = min(due, p.expires)
	}
	due = max(w.now+1, min(due, w.now+slots-1))
	p.slot = uint16(due % slots)          //nolint:gosec // below slots
	p.index = int32(len(w.slots[p.slot])) //nolint:gosec // far fewer sockets than 2^31
	p.on = true
	w.slots[p.slot] = append(w.slots[p.slot], s)
}

func (w *wheel) remove(s *Socket) {
	if !s.place.on {
		return
	}
	s.place.on = false
	slot := w.slots[s.place.slot]
	end := len(slot) - 1
	slot[s.place.index] = slot[end]
	slot[s.place.index].place.index = s.place.index
	slot[end] = nil
	w.slots[s.place.slot] = slot[:end]
}

func (w *wheel) expires(s *Socket, t, now time.Time) {
	w.remove(s)
	s.place.expires = w.end(t)
	w.put(s)
}

// all appends every socket on the wheel.
func (w *wheel) all(dst []*Socket) []*Socket {
	for i := range w.slots {
		dst = append(dst, w.slots[i]...)
	}
	return dst
}

// visit collects what is due in one slot and places its sockets anew.
func (w *wheel) visit(at int64, now time.Time) {
	slot := w.slots[at%slots]
	w.slots[at%slots] = nil
	for i, s := range slot {
		s.place.on = false
		p := &s.place
		if p.expires > 0 && p.expires <= at {
			p.expires = 0 // once
			w.tasks = append(w.tasks, task{s, taskExpired})
		}
		if p.ping <= at {
			p.ping = at + max(1, int64(s.meta.Ping/tick))
			w.tasks = append(w.tasks, task{s, s.life()})
		}
		w.put(s)
		slot[i] = nil
	}
	w.slots[at%slots] = slot[:0] // put never chooses the slot at hand
}

// life says whether to ping s or to give it up. It must be called with Hub.mu held.
func (s *Socket) life() taskKind {
	p := &s.place
	if s.meta.Framing.OneWay {
		return taskPing
	}
	if s.alive.Swap(false) {
		p.missed = 0
		return taskPing
	}
	if p.missed++; p.missed >= 2 {
		return taskSilent
	}
	return taskPing
}

// turn is the wheel's goroutine.
func (h *Hub) turn() {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-h.done:
			return
		case <-t.C:
			h.tick(time.Now())
		}
	}
}

func (h *Hub) tick(now time.Time) {
	h.mu.Lock()
	w := &h.wheel
	// A machine that slept has missed turns; more than all slots make no sense.
	for until := int64(now.Sub(w.origin) / tick); w.now < until; {
		w.now = max(w.now+1, until-slots+1)
		w.visit(w.now, now)
	}
	tasks := w.tasks
	w.tasks = nil
	flush := h.settleOld(now)
	unconfirmed := h.unconfirmed
	h.unconfirmed = nil
	for _, s := range unconfirmed {
		s.progress.Load().waiting = false
	}
	for _, name := range h.history.Sweep(now) {
		if h.source != nil && !h.wanted(name) {
			h.source.Unsubscribe(name)
		}
	}
	calmed := h.storm.over(h.open, now)
	h.mu.Unlock()
	if calmed {
		h.spawn("memory", func() { giveBack(now) })
	}
	for _, t := range tasks {
		h.do(t)
	}
	for _, s := range unconfirmed {
		h.probe(s)
	}
	if flush {
		h.Flush()
	}
	clear(tasks)
	h.mu.Lock()
	w.tasks = tasks[:0]
	h.mu.Unlock()
}

func (h *Hub) do(t task) {
	defer h.recovered("wheel")
	switch t.kind {
	case taskExpired:
		h.onExpire(t.s)
	case taskSilent:
		h.stats.silent.Add(1)
		t.s.silent()
	case taskPing:
		if !t.s.busy() {
			t.s.Send(t.s.meta.Framing.Ping)
		}
	}
}

// busy says that a writer is at work, so that a ping would only queue up behind
// what the client is slow to take. That it takes anything is a sign of life; when
// the writer has finished nothing in two ping intervals, busy closes the socket.
// The goroutine that is stuck in a write would otherwise live as long as the client
// sends signs of life without reading.
func (s *Socket) busy() bool {
	s.mu.Lock()
	p := &s.place
	if !s.writing || s.ending || s.dead {
		p.stuck = 0
		s.mu.Unlock()
		return false
	}
	if s.rounds != p.rounds {
		p.stuck, p.rounds = 0, s.rounds
		s.mu.Unlock()
		s.alive.Store(true)
		return true
	}
	if p.stuck++; p.stuck < 2 {
		s.mu.Unlock()
		return true
	}
	s.overflow()
	return true
}
