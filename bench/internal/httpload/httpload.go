//go:build linux

// Package httpload sends plain HTTP requests over keep-alive connections, one
// under way on each.
//
// Concurrency: all of it belongs to the goroutine of its event loop.
package httpload

import (
	"github.com/wsgate/wsgate/bench/internal/eventloop"
	"github.com/wsgate/wsgate/bench/internal/hist"
	"github.com/wsgate/wsgate/bench/internal/httpwire"
)

// Load is a set of connections to one port.
type Load struct {
	// Done counts answers, Refused those among them with a status of 300 or
	// more.
	Done, Refused uint64
	Latency       hist.Hist

	loop    *eventloop.Loop
	request func(dst []byte, n uint64) []byte
	conns   []*conn
	sent    uint64
	running bool
}

type conn struct {
	stream *eventloop.Stream
	busy   bool
	since  int64
}

// Open connects; request appends the n-th request.
func Open(l *eventloop.Loop, port, conns int, request func(dst []byte, n uint64) []byte) (*Load, error) {
	load := &Load{loop: l, request: request}
	for range conns {
		fd, err := eventloop.Dial(port)
		if err != nil {
			return nil, err
		}
		stream, err := eventloop.NewStream(l, fd)
		if err != nil {
			return nil, err
		}
		c := &conn{stream: stream}
		stream.Data = func(p []byte) int { return load.answered(c, p) }
		load.conns = append(load.conns, c)
	}
	return load, nil
}

// Start lets every connection send one request after the other.
func (l *Load) Start() {
	l.running = true
	for _, c := range l.conns {
		if !c.busy {
			l.next(c)
		}
	}
}

// Stop sends no more requests.
func (l *Load) Stop() { l.running = false }

// Quiet reports whether no request is under way.
func (l *Load) Quiet() bool {
	for _, c := range l.conns {
		if c.busy && c.stream.Open() {
			return false
		}
	}
	return true
}

// Close ends the connections.
func (l *Load) Close() {
	for _, c := range l.conns {
		c.stream.Close()
	}
}

func (l *Load) next(c *conn) {
	c.busy, c.since = true, l.loop.Clock()
	c.stream.SetBuffer(l.request(c.stream.Buffer(), l.sent))
	c.stream.Flush()
	l.sent++
}

func (l *Load) answered(c *conn, p []byte) int {
	r, size := httpwire.ParseResponse(p)
	if size == 0 {
		return 0
	}
	l.Done++
	if r.Status >= 300 {
		l.Refused++
	}
	l.Latency.Add(l.loop.Clock() - c.since)
	c.busy = false
	if l.running {
		l.next(c)
	}
	return size
}
