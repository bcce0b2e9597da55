package hub

// Encoder turns a payload into frames. Sockets whose encoders are equal share one
// encoding, so its type must be comparable, and should say all that the frames
// depend on.
type Encoder interface {
	// Append appends the payload's frame or frames to dst. It must keep neither.
	Append(dst, payload []byte) []byte
}

// group is one Redis channel in one encoding.
type group struct {
	name string
	enc  Encoder
	next *group // of the same channel, in another encoding
	subs []*Socket
	// lent says that a flush may be reading subs: what it reads is never changed,
	// but copied before a removal. Additions go behind what it reads.
	lent  bool
	out   []byte // frames that wait for a flush
	count int    // messages in out
}

// subscription is a socket's place in a group.
type subscription struct {
	group *group
	index int32
}

// Subscribe lets s receive what comes on channel, as enc makes it. It says whether
// that is new: false where s listens already, whatever the encoding, or is closed.
func (h *Hub) Subscribe(s *Socket, channel string, enc Encoder) (added bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.gone || s.find(channel) >= 0 {
		return false
	}
	head := h.channels[channel]
	g := head
	for g != nil && g.enc != enc {
		g = g.next
	}
	if g == nil {
		g = &group{name: channel, enc: enc, next: head}
		h.channels[channel] = g
		if head == nil && h.source != nil {
			h.source.Subscribe(channel)
		}
	}
	s.subs = append(s.subs, subscription{g, int32(len(g.subs))}) //nolint:gosec // far fewer sockets than 2^31
	g.subs = append(g.subs, s)
	return true
}

// Unsubscribe ends that.
func (h *Hub) Unsubscribe(s *Socket, channel string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := s.find(channel); i >= 0 {
		h.unsubscribe(s, i)
	}
}

// Channels is how many channels s listens to.
func (s *Socket) Channels() int {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return len(s.subs)
}

// EachOf calls f once for every socket that listens to one of the channels,
// outside the hub's lock.
func (h *Hub) EachOf(channels []string, f func(*Socket)) {
	all := map[*Socket]struct{}{}
	h.mu.Lock()
	for _, name := range channels {
		for g := h.channels[name]; g != nil; g = g.next {
			for _, s := range g.subs {
				all[s] = struct{}{}
			}
		}
	}
	h.mu.Unlock()
	for s := range all {
		f(s)
	}
}

// find must be called with Hub.mu held.
func (s *Socket) find(channel string) int {
	for i := range s.subs {
		if s.subs[i].group.name == channel {
			return i
		}
	}
	return -1
}

// unsubscribe ends the i-th subscription of s. It must be called with Hub.mu held.
func (h *Hub) unsubscribe(s *Socket, i int) {
	g, at := s.subs[i].group, s.subs[i].index
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
		if h.source != nil {
			h.source.Unsubscribe(g.name)
		}
	}
}
