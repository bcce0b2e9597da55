package hub

import "slices"

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
// epoch, so that nothing before can be recovered, and whoever has a Gapper is told.
// Flush sends that.
func (h *Hub) Gap(channels []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range channels {
		m := &h.message
		m.Channel = name
		if r := h.history.Find(name); r != nil {
			r.Break()
			m.Epoch = r.Position().Epoch
		}
		for g := h.channels[name]; g != nil; {
			next := g.next // dropped groups keep theirs, but are not for reading
			h.tellGap(g)
			g = next
		}
		*m = Message{}
	}
}

// tellGap must be called with Hub.mu held.
func (h *Hub) tellGap(g *group) {
	e, ok := g.enc.(Gapper)
	if !ok {
		return
	}
	h.seal(g)
	frames, stay := e.AppendGap(h.buffers.get(), &h.message)
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
