//go:build linux

package eventloop

import "golang.org/x/sys/unix"

// Stream is a connection whose written bytes wait for room: it is what the
// control connections (Redis, HTTP) are made of.
type Stream struct {
	// Data is given what arrived, and returns how much of it was used. What is
	// left is given again with what follows.
	Data func(p []byte) int
	// Closed, if set, is told once that the connection ended.
	Closed func()

	loop   *Loop
	fd     int
	open   bool
	in     []byte
	inLen  int
	out    []byte
	outOff int
}

// NewStream wraps a connected or connecting descriptor.
func NewStream(l *Loop, fd int) (*Stream, error) {
	s := &Stream{loop: l, fd: fd, open: true, in: make([]byte, 16<<10)}
	return s, l.Add(fd, s)
}

// Buffer is where to append bytes that Flush sends.
func (s *Stream) Buffer() []byte { return s.out }

// SetBuffer gives Buffer's slice back after appending to it.
func (s *Stream) SetBuffer(b []byte) { s.out = b }

// Write appends p and sends what it can.
func (s *Stream) Write(p []byte) {
	s.out = append(s.out, p...)
	s.Flush()
}

// Open reports whether the connection has not ended.
func (s *Stream) Open() bool { return s.open }

// Pending is how many bytes wait to be sent.
func (s *Stream) Pending() int { return len(s.out) - s.outOff }

// Flush sends what the socket takes.
func (s *Stream) Flush() {
	if !s.open || s.Pending() == 0 {
		return
	}
	n, err := Write(s.fd, s.out[s.outOff:])
	if err != nil {
		s.Close()
		return
	}
	if s.outOff += n; s.outOff == len(s.out) {
		s.out, s.outOff = s.out[:0], 0
	}
}

// Close ends the connection.
func (s *Stream) Close() {
	if !s.open {
		return
	}
	s.open = false
	s.loop.Remove(s.fd)
	Abort(s.fd)
	if s.Closed != nil {
		s.Closed()
	}
}

// Ready implements Handler.
func (s *Stream) Ready(events uint32) {
	if events&unix.EPOLLOUT != 0 {
		s.Flush()
	}
	for s.open {
		if s.inLen == len(s.in) {
			s.in = append(s.in, make([]byte, len(s.in))...)
		}
		room := len(s.in) - s.inLen
		n, err := Read(s.fd, s.in[s.inLen:])
		if err != nil {
			s.Close()
			return
		}
		if n == 0 {
			return
		}
		s.inLen += n
		used := s.Data(s.in[:s.inLen])
		s.inLen = copy(s.in, s.in[used:s.inLen])
		if n < room {
			return
		}
	}
}
