//go:build linux

package stub

import (
	"github.com/wsgate/wsgate/bench/internal/eventloop"
	"github.com/wsgate/wsgate/bench/internal/httpwire"
)

// Server answers on a loopback port while its loop runs.
type Server struct {
	// Port is where it listens.
	Port int
	// Introspections counts the calls that asked whose a token is.
	Introspections int
	// Pages counts all other requests.
	Pages int
	// Strays counts requests that nothing here answers.
	Strays int

	loop    *eventloop.Loop
	fd      int
	scratch []byte
}

// Start opens a listener on a free port.
func Start(l *eventloop.Loop) (*Server, error) {
	fd, port, err := eventloop.Listen(0)
	if err != nil {
		return nil, err
	}
	s := &Server{Port: port, loop: l, fd: fd}
	return s, l.Add(fd, s)
}

// Ready implements eventloop.Handler: connections wait.
func (s *Server) Ready(uint32) {
	for {
		fd, ok := eventloop.Accept(s.fd)
		if !ok {
			return
		}
		stream, err := eventloop.NewStream(s.loop, fd)
		if err != nil {
			eventloop.Abort(fd)
			continue
		}
		stream.Data = func(p []byte) int { return s.serve(stream, p) }
	}
}

// Close stops listening.
func (s *Server) Close() {
	s.loop.Remove(s.fd)
	eventloop.Abort(s.fd)
}

func (s *Server) serve(c *eventloop.Stream, p []byte) int {
	used := 0
	for used < len(p) {
		r, size := httpwire.ParseRequest(p[used:])
		if size == 0 {
			break
		}
		used += size
		c.SetBuffer(s.answer(c.Buffer(), &r))
	}
	c.Flush()
	return used
}
