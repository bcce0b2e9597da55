package hub

import (
	"time"

	"github.com/wsgate/wsgate/core/pubsub/history"
)

// maxPending is how many bytes of frames may wait for a flush before Broadcast
// flushes by itself.
const maxPending = 1 << 20

// Broadcast encodes a payload, once per encoding, for the sockets that listen to
// channel, and keeps a copy where the channel has a history. Flush sends it. The
// payload itself is not kept.
func (h *Hub) Broadcast(channel string, payload []byte) {
	if h.broadcast(channel, payload) {
		h.Flush()
	}
}

// broadcast says whether it is time for a flush.
func (h *Hub) broadcast(channel string, payload []byte) (full bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := h.channels[channel]
	if g == nil {
		if h.history.Len() > 0 {
			if r := h.history.Find(channel); r != nil {
				h.record(r, payload)
			}
		}
		return false
	}
	m := &h.message
	m.Channel, m.Payload = channel, payload
	if g.ring != nil && !g.ring.Settled() {
		*m = Message{}
		h.hold(g.ring, payload)
		return false
	}
	if g.ring != nil {
		m.Offset = g.ring.Add(payload, time.Now())
		m.Epoch = g.ring.Position().Epoch
	}
	ok := h.encode(g)
	*m = Message{}
	if !ok {
		h.gap([]string{channel}) // a new history, lest it be sent from there and lost again
	}
	return h.pending > maxPending
}

// record keeps a message that nobody listens to. It must be called with Hub.mu held.
func (h *Hub) record(r *history.Ring, payload []byte) {
	if r.Settled() {
		r.Add(payload, time.Now())
		return
	}
	h.hold(r, payload)
}

// encode appends Hub.message to the frames of a channel's groups; false: some lost it. It
// must be called with Hub.mu held.
func (h *Hub) encode(g *group) (ok bool) {
	ok = true
	h.stats.messages.Add(1)
	for ; g != nil; g = g.next {
		if g.out == nil {
			g.out = h.buffers.get()
			h.dirty = append(h.dirty, g)
		}
		ok = h.append(g) && ok
	}
	return ok
}

const (
	keepBuffers = 512      // how many buffers are kept for the next broadcast
	keepBuffer  = 16 << 10 // and how large: 8 MiB in all at the very most
)

// buffers are those that no socket kept after a flush. Hub.mu is over them.
type buffers [][]byte

func (b *buffers) get() []byte {
	if n := len(*b); n > 0 {
		p := (*b)[n-1]
		*b = (*b)[:n-1]
		return p
	}
	return make([]byte, 0, 512)
}

func (b *buffers) put(p []byte) {
	if len(*b) < keepBuffers && cap(p) <= keepBuffer {
		*b = append(*b, p[:0])
	}
}
