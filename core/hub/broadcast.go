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
	h.mu.Lock()
	g := h.channels[channel]
	if g == nil {
		if h.history.Len() > 0 {
			if r := h.history.Find(channel); r != nil {
				h.record(r, payload)
			}
		}
		h.mu.Unlock()
		return
	}
	m := &h.message
	m.Channel, m.Payload = channel, payload
	if g.ring != nil && !g.ring.Settled() {
		*m = Message{}
		h.hold(g.ring, payload)
		h.mu.Unlock()
		return
	}
	if g.ring != nil {
		m.Offset = g.ring.Add(payload, time.Now())
		m.Epoch = g.ring.Position().Epoch
	}
	h.encode(g)
	*m = Message{}
	full := h.pending > maxPending
	h.mu.Unlock()
	if full {
		h.Flush()
	}
}

// record keeps a message that nobody listens to. It must be called with Hub.mu held.
func (h *Hub) record(r *history.Ring, payload []byte) {
	if r.Settled() {
		r.Add(payload, time.Now())
		return
	}
	h.hold(r, payload)
}

// encode appends Hub.message to the frames of a channel's groups. It must be called
// with Hub.mu held.
func (h *Hub) encode(g *group) {
	h.stats.messages.Add(1)
	for ; g != nil; g = g.next {
		if g.out == nil {
			g.out = h.buffers.get()
			h.dirty = append(h.dirty, g)
		}
		n := len(g.out)
		g.out = g.enc.Append(g.out, &h.message)
		g.count++
		h.pending += len(g.out) - n
	}
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
