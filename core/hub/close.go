package hub

import (
	"net"
	"time"

	"github.com/wsgate/wsgate/core/wire"
)

const (
	// closeWait is how long a close may take in all: what is queued, the close
	// frame, and the client's own (RFC 6455 section 7.1.1: the client should
	// close first).
	closeWait = time.Second
	// slowWait is the same for a slow consumer, which has to take what its kernel
	// buffers hold before it can see why.
	slowWait = 5 * time.Second
)

// Close ends the socket, once: what is queued and the notice frames go out, then
// a close frame, and nothing after it. It doesn't wait: the connection ends when
// the client has answered, or after a second.
func (s *Socket) Close(code wire.CloseCode, reason string, notice ...[]byte) {
	s.mu.Lock()
	if s.ending || s.dead {
		s.mu.Unlock()
		return
	}
	s.end(code, reason, closeWait, notice...)
}

// SendAway is Close for a client that is to come back, here or to another node: what it
// misses until then is for it, as if its connection had broken.
func (s *Socket) SendAway(code wire.CloseCode, reason string, notice ...[]byte) {
	s.mu.Lock()
	if s.ending || s.dead {
		s.mu.Unlock()
		return
	}
	s.lost = true
	s.end(code, reason, closeWait, notice...)
}

// silent closes a socket whose client gives no sign of life.
func (s *Socket) silent() {
	s.SendAway(wire.CloseGoingAway, "no answer to pings")
}

// overflow closes a slow consumer. Its queue is dropped, but for the rest of a
// frame that is partly written. It must be called with mu held and releases it.
func (s *Socket) overflow() {
	if s.off > 0 {
		first := s.queue[0]
		first = first[:frameEnd(s.meta.Framing, first, s.off)]
		s.bytes += len(first) - s.off - s.queued()
		s.queue = [][]byte{first}
		if s.off == len(first) {
			s.queue, s.off = nil, 0
		}
	} else {
		s.bytes -= s.queued()
		s.queue = nil
	}
	s.lost = true
	s.hub.stats.slow.Add(1)
	s.end(wire.CloseSlowConsumer, "slow consumer", slowWait)
	m := s.Meta()
	s.hub.log.Debug("slow consumer closed", "login", m.Login.Short(), "ip", m.IP)
}

// queued is the length of the queue without what the writer holds.
func (s *Socket) queued() int {
	n := -s.off
	for _, q := range s.queue {
		n += len(q)
	}
	return n
}

// frameEnd is the end of the frame that the byte before off belongs to.
func frameEnd(f *Framing, frames []byte, off int) int {
	end := 0
	for end < off {
		n := f.FrameLen(frames[end:])
		if n == 0 {
			return len(frames)
		}
		end += n
	}
	return end
}

// end queues the last frames. It must be called with mu held and releases it.
func (s *Socket) end(code wire.CloseCode, reason string, wait time.Duration, notice ...[]byte) {
	s.ending = true
	s.closed.Store(true)
	var last []byte
	for _, n := range notice {
		last = append(last, n...)
	}
	last = s.meta.Framing.AppendClose(last, code, reason)
	n := 0
	broken := false
	if s.raw != nil && !s.writing {
		w := rawWriters.Get().(*rawWriter)
		var err error
		n, err = w.write(s.raw, last)
		broken = err != nil
		rawWriters.Put(w)
	}
	if !broken && n < len(last) {
		s.enqueue(last, n)
	}
	over := broken || !s.writing && !s.answers()
	if !over {
		s.timer = time.AfterFunc(wait, s.lapse)
	}
	broke := s.lost
	s.mu.Unlock()
	s.hub.leave(s, broke)
	if over {
		s.kill(broken)
	}
}

// answers says that the client is still to agree to a close. It must be called with
// mu held.
func (s *Socket) answers() bool { return s.reading && !s.meta.Framing.OneWay }

// lapse ends a close that took too long.
func (s *Socket) lapse() {
	defer s.hub.recovered("close timer")
	s.kill(true)
}

// kill closes the connection, once. With force it doesn't say good-bye on TLS,
// which could wait for the client. It must be called with neither lock held.
func (s *Socket) kill(force bool) {
	s.mu.Lock()
	if s.dead {
		s.mu.Unlock()
		return
	}
	s.lost = s.lost || !s.ending
	broke := s.lost
	s.dead, s.ending = true, true
	s.closed.Store(true)
	s.queue, s.off, s.bytes = nil, 0, 0
	if s.timer != nil {
		s.timer.Stop()
	}
	c := s.conn
	s.mu.Unlock()
	if t, ok := c.(interface{ NetConn() net.Conn }); ok && force {
		c = t.NetConn()
	}
	if c != nil {
		c.Close() //nolint:errcheck // nobody is left to be told
	}
	if s.meta.Reader != nil {
		s.meta.Reader.Wake()
	}
	s.hub.leave(s, broke)
	s.hub.lost(s)
}

// lost forgets a connection that is closed.
func (h *Hub) lost(s *Socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.closing, s)
	if h.open--; h.open > 0 {
		return
	}
	select {
	case h.empty <- struct{}{}:
	default:
	}
}
