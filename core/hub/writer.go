package hub

import "sync"

// round is how many bytes a writer merges into one write. It also bounds what
// counts as progress: a client that doesn't take that many in two ping intervals
// is given up.
const round = 16 << 10

var rounds = sync.Pool{New: func() any {
	b := make([]byte, 0, round)
	return &b
}}

// write is the goroutine that empties a queue. It alone writes while it runs, and
// it ends with the queue.
func (s *Socket) write() {
	defer s.hub.recovered("writer")
	buf := rounds.Get().(*[]byte)
	defer rounds.Put(buf)
	for {
		p, done, over := s.take((*buf)[:0])
		if done {
			if over {
				s.kill(false)
			}
			return
		}
		if _, err := s.conn.Write(p); err != nil {
			s.kill(true)
			return
		}
		s.mu.Lock()
		s.bytes -= len(p)
		s.rounds++
		s.mu.Unlock()
	}
}

// take moves the next bytes from the queue into buf, or yields a slice of the
// queue where that saves the copy. done ends the writer; over says that the
// connection has no more use either.
func (s *Socket) take(buf []byte) (p []byte, done, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead || len(s.queue) == 0 {
		s.writing, s.queue = false, nil
		return nil, true, s.ending && !s.answers()
	}
	if first := s.queue[0]; len(first)-s.off >= round {
		p = first[s.off : s.off+round]
		s.advance(round)
		return p, false, false
	}
	for len(s.queue) > 0 && len(buf) < round {
		part := s.queue[0][s.off:]
		part = part[:min(len(part), round-len(buf))]
		buf = append(buf, part...)
		s.advance(len(part))
	}
	return buf, false, false
}

// advance drops n bytes of the queue's first slice. It must be called with mu held.
func (s *Socket) advance(n int) {
	if s.off += n; s.off < len(s.queue[0]) {
		return
	}
	s.queue[0] = nil
	s.queue, s.off = s.queue[1:], 0
}
