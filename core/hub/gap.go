package hub

import (
	"slices"

	"github.com/wsgate/wsgate/core/pubsub/history"
)

// Gapper is an Encoder whose sockets can be told that messages of their channel may be
// missing.
type Gapper interface {
	Encoder
	// AppendGap appends the frames that tell so, if any, as Append does; m has the
	// channel, no payload, and the channel's new position. They go out behind what was
	// broadcast before the gap and before what comes after it. With stay false the
	// subscriptions end with them, and it is for the client to ask again: see Listens.
	AppendGap(dst []byte, m *Message) (frames []byte, stay bool)
}

// Gap says that messages on these channels may be lost. Their histories begin a new
// epoch, so that nothing before can be recovered, whoever has a Gapper is told, and
// the others are sent what Options.Notice says. Flush sends that.
func (h *Hub) Gap(channels []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gap(channels)
}

// gap must be called with Hub.mu held.
func (h *Hub) gap(channels []string) {
	for _, name := range channels {
		m := &h.message
		m.Channel = name
		if r := h.history.Find(name); r != nil {
			m.Epoch = h.breakRing(r)
		}
		for g := h.channels[name]; g != nil; {
			next := g.next // dropped groups keep theirs, but are not for reading
			h.tellGap(g)
			g = next
		}
		*m = Message{}
	}
	if h.notice != nil {
		h.sendNotices(channels)
	}
}

// breakRing yields the epoch that begins, where that is known already. It must be called
// with Hub.mu held.
func (h *Hub) breakRing(r *history.Ring) (epoch string) {
	if h.unsettled == nil {
		r.Break()
		return r.Position().Epoch
	}
	if r.Holding() {
		h.settle(r, nil, nil) // what is held has no number in common with what follows
	}
	h.unsettle(r)
	return ""
}

// sendNotices sends the notice, once, to each socket that listens to one of the
// channels. It goes by way of the flush: what a client confirms after it, it has been
// told of the gap. It must be called with Hub.mu held.
func (h *Hub) sendNotices(channels []string) {
	seen := map[*Socket]struct{}{}
	same := map[*byte]*batch{} // sockets of one path share their notice
	for _, name := range channels {
		for g := h.channels[name]; g != nil; g = g.next {
			h.seal(g)
			for _, s := range g.subs {
				if _, has := seen[s]; has {
					continue
				}
				seen[s] = struct{}{}
				frames := h.notice(s.meta.User)
				if len(frames) == 0 {
					continue
				}
				b := same[&frames[0]]
				if b == nil {
					b = &batch{frames: frames, count: 1, kept: true, resumable: true}
					same[&frames[0]] = b
				}
				b.subs = append(b.subs, s)
			}
		}
	}
	for _, b := range same {
		h.sealed = append(h.sealed, *b)
	}
}

// tellGap must be called with Hub.mu held.
func (h *Hub) tellGap(g *group) {
	e, ok := g.enc.(Gapper)
	if !ok {
		return
	}
	h.seal(g)
	frames, stay := h.appendGap(e)
	if len(frames) > 0 {
		g.lent = true
		h.sealed = append(h.sealed, batch{subs: slices.Clip(g.subs), frames: frames, count: 1, marker: g.marker})
		h.pending += len(frames)
	} else {
		h.buffers.put(frames)
	}
	for !stay && len(g.subs) > 0 {
		s := g.subs[len(g.subs)-1]
		h.unsubscribe(s, s.find(g.name, g.enc), false)
	}
}
