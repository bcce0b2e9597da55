//go:build linux

package publish

import (
	"github.com/wsgate/wsgate/bench/internal/eventloop"
	"github.com/wsgate/wsgate/bench/internal/httpwire"
)

// HTTP publishes with one request a message, over connections that each have
// one request under way.
type HTTP struct {
	loop    *eventloop.Loop
	port    int
	request Encoding
	conns   []*httpConn
	queue   [][]byte // whole requests
	head    int
	waiting int
	errors  int
}

type httpConn struct {
	stream *eventloop.Stream
	busy   bool
}

// NewHTTP opens conns connections to a loopback port, and again whichever the
// server closes. request writes the whole HTTP request.
func NewHTTP(l *eventloop.Loop, port, conns int, request Encoding) (*HTTP, error) {
	h := &HTTP{loop: l, port: port, request: request}
	for range conns {
		c := &httpConn{}
		if err := h.dial(c); err != nil {
			return nil, err
		}
		h.conns = append(h.conns, c)
	}
	return h, nil
}

func (h *HTTP) dial(c *httpConn) error {
	fd, err := eventloop.Dial(h.port)
	if err != nil {
		return err
	}
	if c.stream, err = eventloop.NewStream(h.loop, fd); err != nil {
		return err
	}
	c.stream.Data = func(p []byte) int { return h.answered(c, p) }
	c.stream.Closed = func() {
		if c.busy { // without an answer
			c.busy = false
			h.waiting--
			h.errors++
		}
	}
	return nil
}

// Publish implements Publisher.
func (h *HTTP) Publish(target uint32, payload []byte) {
	h.queue = append(h.queue, h.request(nil, target, payload))
	h.waiting++
}

// Flush implements Publisher.
func (h *HTTP) Flush() {
	for _, c := range h.conns {
		if !c.busy {
			h.next(c)
		}
	}
}

// Waiting implements Publisher.
func (h *HTTP) Waiting() int { return h.waiting }

// Errors implements Publisher.
func (h *HTTP) Errors() int { return h.errors }

// Close implements Publisher.
func (h *HTTP) Close() {
	for _, c := range h.conns {
		c.busy = false
		c.stream.Close()
	}
}

func (h *HTTP) next(c *httpConn) {
	if h.head == len(h.queue) {
		h.queue, h.head = h.queue[:0], 0
		return
	}
	if !c.stream.Open() && h.dial(c) != nil {
		return
	}
	c.busy = true
	p := h.queue[h.head]
	h.queue[h.head] = nil
	h.head++
	c.stream.Write(p)
}

func (h *HTTP) answered(c *httpConn, p []byte) int {
	r, size := httpwire.ParseResponse(p)
	if size == 0 {
		return 0
	}
	if r.Status >= 300 {
		h.errors++
	}
	h.waiting--
	c.busy = false
	if r.Close {
		c.stream.Close()
	}
	h.next(c)
	return size
}
