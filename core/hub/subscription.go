package hub

import (
	"time"

	"github.com/wsgate/wsgate/core/pubsub/history"
)

// Message is one message of a channel.
type Message struct {
	// Channel is the Redis channel.
	Channel string
	Payload []byte
	// Epoch and Offset are the message's place in the channel's history. Without a
	// history they are zero.
	Epoch  string
	Offset uint64
}

// Encoder turns a message into frames. Sockets whose encoders are equal share one
// encoding, so its type must be comparable, and should say all that the frames
// depend on.
type Encoder interface {
	// Append appends the message's frame or frames to dst. It must keep neither.
	Append(dst []byte, m *Message) []byte
}

// group is one Redis channel in one encoding.
type group struct {
	name string
	enc  Encoder
	next *group        // of the same channel, in another encoding
	ring *history.Ring // of the channel; nil: it has no history
	subs []*Socket
	// marker is enc, where it is one.
	marker Marker
	// lent says that a flush may be reading subs: what it reads is never changed,
	// but copied before a removal. Additions go behind what it reads.
	lent  bool
	out   []byte // frames that wait for a flush
	count int    // messages in out
	// resumable says that some of subs are to confirm what they get.
	resumable bool
}

// subscription is a socket's place in a group.
type subscription struct {
	group *group
	index int32
}

// Subscribe lets s receive what comes on channel, as enc makes it. It says whether
// that is new: false where s listens already, in the same encoding, or is closed.
func (h *Hub) Subscribe(s *Socket, channel string, enc Encoder) (added bool) {
	return h.SubscribeFrom(s, channel, enc, From{}, nil)
}

// From is where a subscription begins.
type From struct {
	// Keep is the history that the channel has to have from now on. Zero: none, and
	// where it has one for others the rest of this counts for nothing.
	Keep history.Keep
	// Since is the position that the client has got to. Without an epoch it starts
	// anew.
	Since history.Position
	// Last asks for the newest message, where nothing is recovered; with Resume,
	// also where nothing was missed.
	Last bool
	// Resume asks for what came since a socket of the login, on this channel, broke
	// off, and has the hub remember for so long where this one does. Only for
	// framings whose clients answer pings with what they hold, and for one encoding
	// of a channel.
	Resume time.Duration
	// Resumed says that Since is where a socket of the login broke off, at another
	// node.
	Resumed bool
	// By is until when to wait for the channel's numbers: subscriptions of one socket
	// that begin one after another should wait no longer than one. Default: SettleWait
	// from now.
	By time.Time
	// Must asks for no subscription where Start.Recovered is false. The first frames are
	// sent all the same.
	Must bool
}

// Start is where a subscription did begin.
type Start struct {
	// Position is that of the newest message before the first that will be
	// delivered. Without a history it is zero, and so it is where the other nodes
	// could not say in time how far the channel has got.
	Position history.Position
	// Missed are the messages between From.Since and Position, in order; or the
	// newest one alone, where From.Last asked for it.
	Missed []Message
	// Resumed says that a socket of the login broke off, and that From.Since is where.
	Resumed bool
	// Recovered says that Missed is all that came since From.Since.
	Recovered bool
}

// SubscribeFrom is Subscribe for a channel with a history. Before any message of the
// channel s gets what first appends to dst, which may be nothing: with the Start in
// hand, a reply, and what was missed. Every later message is delivered as Broadcast
// does, none twice and none left out.
//
// first may be nil. It is called under the hub's lock, once and only where the
// subscription is new, so it must not block and must not call the hub; it must keep
// neither of its arguments, but may keep payloads.
//
// It may wait for other sockets' first frames to be written, and up to half a second
// until a channel's numbers are the same as on other nodes, so it must not be called
// by Source, by an Encoder, or by the goroutine that broadcasts.
func (h *Hub) SubscribeFrom(s *Socket, channel string, enc Encoder, from From, first func(dst []byte, start *Start) []byte) (added bool) {
	added = h.subscribeFrom(s, channel, enc, &from, first)
	if first != nil {
		h.Flush()
	}
	return added
}

func (h *Hub) subscribeFrom(s *Socket, channel string, enc Encoder, from *From, first func(dst []byte, start *Start) []byte) (added bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if first != nil {
		h.awaitRoom()
		until := from.By
		if until.IsZero() {
			until = time.Now().Add(SettleWait)
		}
		h.awaitSettled(channel, from.Keep, until)
	}
	if s.gone || s.find(channel, enc) >= 0 {
		if s.gone && from.Resumed { // the other node has forgotten it
			h.breaks.Add(s.meta.Login, channel, from.Since, from.Resume, time.Now())
		}
		return false
	}
	g := h.group(channel, enc, from.Keep)
	done := false
	defer func() {
		if !done { // first panicked
			h.forget(s, channel, true)
			h.dropEmpty(g)
		}
	}()
	var start Start
	if first != nil {
		// Behind what the others get of the messages so far.
		h.seal(g)
		if g.ring != nil && from.Keep.On() {
			now := time.Now()
			if from.Resume > 0 {
				start.Resumed = from.Resumed
				if at, ok := h.resume(s, g.ring, from.Resume, now); ok {
					if from.Resumed {
						at = history.Older(at, from.Since)
					}
					from.Since, start.Resumed = at, true
				}
			}
			start.from(g.ring, from, now)
			if from.Resume > 0 {
				s.resumed(channel, start.began(from))
				g.resumable = true
			}
			h.stats.resumed(&start)
		}
		if frames := first(h.buffers.get(), &start); len(frames) > 0 {
			h.private(s, frames)
		} else {
			h.buffers.put(frames)
		}
	}
	if added = start.Recovered || !from.Must; added {
		g.add(s)
	} else {
		h.dropEmpty(g)
	}
	done = true
	return added
}

// add must be called with Hub.mu held.
func (g *group) add(s *Socket) {
	s.subs = append(s.subs, subscription{g, int32(len(g.subs))}) //nolint:gosec // far fewer sockets than 2^31
	g.subs = append(g.subs, s)
}

// group finds or makes the group of a channel and an encoding. It must be called with
// Hub.mu held.
func (h *Hub) group(channel string, enc Encoder, keep history.Keep) *group {
	head := h.channels[channel]
	ring := h.ring(channel, keep)
	var found *group
	for g := head; g != nil; g = g.next {
		g.ring = ring
		if g.enc == enc {
			found = g
		}
	}
	if found == nil {
		found = &group{name: channel, enc: enc, next: head, ring: ring, marker: marker(enc)}
		h.channels[channel] = found
	}
	return found
}

func (t *Start) from(r *history.Ring, from *From, now time.Time) {
	if !r.Settled() {
		return // nobody knows where it begins
	}
	t.Position = r.Position()
	missed, recovered := r.Since(from.Since, now)
	t.Recovered = recovered
	if from.Last && (!recovered || from.Resume > 0 && len(missed) == 0) {
		if e, ok := r.Last(now); ok {
			missed = []history.Entry{e}
		}
	}
	if len(missed) == 0 {
		return
	}
	t.Missed = make([]Message, len(missed))
	for i, e := range missed {
		t.Missed[i] = Message{Channel: r.Name(), Payload: e.Payload, Epoch: t.Position.Epoch, Offset: e.Offset}
	}
}

// began is where the client is until it has confirmed its first frames: where it broke
// off, which may be no position, or, if it did not, at the beginning.
func (t *Start) began(from *From) history.Position {
	if t.Resumed {
		return from.Since
	}
	return t.Position
}

// Unsubscribe ends that.
func (h *Hub) Unsubscribe(s *Socket, channel string, enc Encoder) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := s.find(channel, enc); i >= 0 {
		h.unsubscribe(s, i, false)
	}
}

// Listens says whether s listens to channel in an encoding.
func (h *Hub) Listens(s *Socket, channel string, enc Encoder) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return s.find(channel, enc) >= 0
}

// Channels is how many channels s listens to.
func (s *Socket) Channels() int {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return len(s.subs)
}

// find must be called with Hub.mu held.
func (s *Socket) find(channel string, enc Encoder) int {
	for i := range s.subs {
		if g := s.subs[i].group; g.name == channel && g.enc == enc {
			return i
		}
	}
	return -1
}

// unsubscribe ends the i-th subscription of s; broke says that nobody asked for it. It must be called with Hub.mu held.
func (h *Hub) unsubscribe(s *Socket, i int, broke bool) {
	g, at := s.subs[i].group, s.subs[i].index
	h.forget(s, g.name, broke)
	last := len(s.subs) - 1
	s.subs[i], s.subs[last] = s.subs[last], subscription{}
	s.subs = s.subs[:last]

	if g.lent {
		g.subs = append(make([]*Socket, 0, len(g.subs)), g.subs...)
		g.lent = false
	}
	end := len(g.subs) - 1
	if moved := g.subs[end]; moved != s {
		g.subs[at] = moved
		for j := range moved.subs {
			if moved.subs[j].group == g {
				moved.subs[j].index = at
			}
		}
	}
	g.subs[end] = nil
	g.subs = g.subs[:end]
	if end == 0 {
		h.dropGroup(g)
	}
}

func (h *Hub) dropGroup(g *group) {
	head := h.channels[g.name]
	switch {
	case head != g:
		for head.next != g {
			head = head.next
		}
		head.next = g.next
	case g.next != nil:
		h.channels[g.name] = g.next
	default:
		delete(h.channels, g.name)
		switch {
		case g.ring != nil:
			h.history.Leave(g.ring, time.Now()) // it goes on without listeners
		case h.source != nil && h.held[g.name] == 0:
			h.source.Unsubscribe(g.name)
		}
	}
}

// dropEmpty must be called with Hub.mu held.
func (h *Hub) dropEmpty(g *group) {
	if len(g.subs) == 0 {
		h.dropGroup(g)
	}
}
