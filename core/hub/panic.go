package hub

import "time"

// What others wrote runs under Hub.mu: encoders, and the first frames of subscriptions. A
// panic of theirs must neither keep the lock nor lose a message without a word.

// append appends Hub.message to a group's frames. A panic of the encoder is logged, at
// most one a second; ok is false then, and the message is lost. It must be called with
// Hub.mu held.
func (h *Hub) append(g *group) (ok bool) {
	defer h.encoderPanicked(&ok)
	n := len(g.out)
	g.out = g.enc.Append(g.out, &h.message)
	g.count++
	h.pending += len(g.out) - n
	return true
}

// appendGap is AppendGap; after a panic the subscriptions stay, with no frames.
func (h *Hub) appendGap(e Gapper) (frames []byte, stay bool) {
	ok := false
	defer func() { stay = stay || !ok }()
	defer h.encoderPanicked(&ok)
	frames, stay = e.AppendGap(h.buffers.get(), &h.message)
	ok = true
	return frames, stay
}

// appendMark is AppendMark; after a panic there are no frames.
func (h *Hub) appendMark(m Marker) (frames []byte) {
	ok := false
	defer h.encoderPanicked(&ok)
	frames = m.AppendMark(h.buffers.get(), h.places)
	ok = true
	return frames
}

// encoderPanicked must be deferred itself. With *ok true there is nothing to recover from.
func (h *Hub) encoderPanicked(ok *bool) {
	if *ok {
		return
	}
	v := recover()
	if now := time.Now(); v != nil && now.Sub(h.panicked) >= time.Second {
		h.panicked = now
		h.logPanic("encoder", v)
	}
}
