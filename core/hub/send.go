package hub

import "sync"

// rawWriters are for writes outside a flush.
var rawWriters = sync.Pool{New: func() any { return newRawWriter() }}

// Send writes one encoded frame, or queues it where the connection is busy. The
// frame may be kept and must not be changed. After Close nothing is sent.
func (s *Socket) Send(frame []byte) {
	w := rawWriters.Get().(*rawWriter)
	s.deliver(w, frame)
	rawWriters.Put(w)
}

// deliver writes frames, or queues what can't be written now, and says whether
// frames are kept. It must be called with neither lock held.
func (s *Socket) deliver(w *rawWriter, frames []byte) (kept bool) {
	s.mu.Lock()
	if s.ending || s.dead {
		s.mu.Unlock()
		return false
	}
	n := 0
	if s.raw != nil && !s.writing {
		var err error
		if n, err = w.write(s.raw, frames); err != nil {
			s.mu.Unlock()
			s.kill(true)
			return false
		}
		if n == len(frames) {
			s.mu.Unlock()
			return false
		}
	}
	if s.bytes > 0 && s.bytes+len(frames)-n > s.meta.Queue {
		s.overflow()
		return false
	}
	s.enqueue(frames, n)
	s.mu.Unlock()
	return true
}

// enqueue adds frames, of which n bytes are written, and sees to it that there is
// a writer. It must be called with mu held.
func (s *Socket) enqueue(frames []byte, n int) {
	if n > 0 {
		s.off = n // the queue was empty, else nothing would have been written
	}
	s.queue = append(s.queue, frames)
	s.bytes += len(frames) - n
	if !s.writing {
		s.writing = true
		s.hub.wg.Go(s.write)
	}
}
