package hub

import "github.com/wsgate/wsgate/core/pubsub/history"

// Place is how far a channel has got.
type Place struct {
	Channel string
	history.Position
}

// Marker is an Encoder whose frames can't say where a client has got to, for that
// depends on what else it listens to.
type Marker interface {
	Encoder
	// Marks says whether that is so of this encoder.
	Marks() bool
	// AppendMark appends a frame that says it. It must keep neither argument.
	AppendMark(dst []byte, at []Place) []byte
}

func marker(enc Encoder) Marker {
	if m, ok := enc.(Marker); ok && m.Marks() {
		return m
	}
	return nil
}

// Mark tells s where it has got to in the channels with a history whose encoders mark,
// and from now on again behind each write that brought it anything of them. All that a
// mark tells of has been written before it.
func (h *Hub) Mark(s *Socket, m Marker) {
	h.mu.Lock()
	if !s.gone {
		s.marks = true
		// A batch of nothing, which is marked as all are.
		h.sealed = append(h.sealed, batch{subs: []*Socket{s}, marker: m})
	}
	h.mu.Unlock()
	h.Flush()
}

// mark yields the frame of a socket. It must be called with Hub.mu held.
func (h *Hub) mark(s *Socket, m Marker) []byte {
	h.places = h.places[:0]
	for i := range s.subs {
		if g := s.subs[i].group; g.marker != nil && g.ring != nil {
			h.places = append(h.places, Place{g.name, g.ring.Position()})
		}
	}
	return h.appendMark(m)
}

// mark adds the marks of the sockets that get something. Every message that has a
// position by now is in what was taken, and goes out before. It must be called with
// Hub.mu held.
func (f *flusher) mark(h *Hub) {
	h.marking++
	for i := range f.batches {
		m := f.batches[i].marker
		if m == nil {
			continue
		}
		for _, s := range f.batches[i].subs {
			if !s.marks || s.marked == h.marking {
				continue
			}
			s.marked = h.marking
			if frames := h.mark(s, m); len(frames) > 0 {
				f.batches = append(f.batches, batch{subs: []*Socket{s}, frames: frames})
			}
		}
	}
}
