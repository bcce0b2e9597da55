//go:build linux

package swarm

import (
	"time"

	"github.com/wsgate/wsgate/bench/internal/eventloop"
	"github.com/wsgate/wsgate/bench/internal/hist"
)

// readBuffer is as much as one read takes, for all sockets together.
const readBuffer = 256 << 10

// Swarm is a set of sockets to one server.
type Swarm struct {
	// Stats grows with what arrives.
	Stats Stats
	// Faults are never reset: one of them spoils the repetition.
	Faults Faults
	// NextShared is the number of the first shared message that a socket opened
	// from now on must get.
	NextShared uint32
	// Handshakes is the time from connect to ready.
	Handshakes hist.Hist

	loop     *eventloop.Loop
	dialect  Dialect
	port     int
	sockets  []*socket
	buf      []byte
	scratch  []byte
	ready    int
	failed   int
	inFlight int
	goal     int
	lastOpen int64
	before   uint64 // deliveries before the latest reset

	probes struct{ shared, own int }
}

// New makes an empty swarm for a server on a loopback port.
func New(l *eventloop.Loop, port int, d Dialect) *Swarm {
	return &Swarm{loop: l, dialect: d, port: port, buf: make([]byte, readBuffer), scratch: make([]byte, 0, 8192)}
}

// Len is how many sockets are ready.
func (w *Swarm) Len() int { return w.ready }

// Failed is how many sockets never became ready.
func (w *Swarm) Failed() int { return w.failed }

// LastOpen is when the latest socket became ready, on the loop's clock.
func (w *Swarm) LastOpen() int64 { return w.lastOpen }

// Connect opens n more sockets, at most inFlight of them not ready at a time,
// and serves the loop until all are ready or failed, or limit has passed.
func (w *Swarm) Connect(n, inFlight int, limit time.Duration) {
	w.goal = len(w.sockets) + n
	for range min(n, inFlight) {
		w.start()
	}
	w.loop.RunUntil(limit, func() bool { return w.inFlight == 0 && len(w.sockets) == w.goal })
	w.goal = len(w.sockets)
}

// start begins the next socket, if one is left to begin.
func (w *Swarm) start() {
	if len(w.sockets) >= w.goal {
		return
	}
	s := &socket{swarm: w, index: uint32(len(w.sockets)), nextShared: w.NextShared, started: w.loop.Clock()}
	w.sockets = append(w.sockets, s)
	fd, err := eventloop.Dial(w.port)
	if err == nil {
		s.fd = int32(fd)
		err = w.loop.Add(fd, s)
	}
	w.inFlight++
	if err != nil {
		s.fd = -1
		w.fail(s, err.Error())
	}
}

func (w *Swarm) opened(s *socket) {
	s.state = ready
	w.ready++
	w.inFlight--
	w.lastOpen = w.loop.Clock()
	w.Handshakes.Add(w.lastOpen - s.started)
	w.start()
}

// fail ends a socket that the server ended, or that got what it must not get.
func (w *Swarm) fail(s *socket, why string) {
	if s.state == closed {
		return
	}
	wasReady := s.state == ready
	s.state = closed
	if s.fd >= 0 {
		w.loop.Remove(int(s.fd))
		eventloop.Abort(int(s.fd))
	}
	if w.Faults.Unexpected == "" {
		w.Faults.Unexpected = why
	}
	w.Faults.Closed++
	if wasReady {
		w.ready--
		return
	}
	w.failed++
	w.inFlight--
	w.start()
}

// Close resets all connections.
func (w *Swarm) Close() {
	w.goal = 0
	for _, s := range w.sockets {
		if s.state != closed {
			s.state = closed
			w.loop.Remove(int(s.fd))
			eventloop.Abort(int(s.fd))
		}
	}
	w.sockets, w.ready = nil, 0
}

// Pause stops the first n sockets from reading, as a stalled client does. They
// are no longer ready.
func (w *Swarm) Pause(n int) {
	for _, s := range w.sockets[:min(n, len(w.sockets))] {
		if s.state == ready {
			s.paused = true
			w.ready--
			w.loop.Remove(int(s.fd))
		}
	}
}

// ResetStats empties the counters. The order of messages is still followed.
func (w *Swarm) ResetStats() {
	w.before += w.Stats.Deliveries
	w.Stats = Stats{}
}

// Delivered counts all deliveries, whatever was reset.
func (w *Swarm) Delivered() uint64 { return w.before + w.Stats.Deliveries }
