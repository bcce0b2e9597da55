//go:build linux

package publish

import (
	"github.com/wsgate/wsgate/bench/internal/eventloop"
	"github.com/wsgate/wsgate/bench/internal/httpwire"
)

// HTTP publishes with one request a message, over connections that each have
// one request under way.
type HTTP struct {
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

// NewHTTP opens conns connections to a loopback port. request writes the whole
// HTTP request.
func NewHTTP(l *eventloop.Loop, port, conns int, request Encoding) (*HTTP, error) {
	h := &HTTP{request: request}
	for range conns {
		fd, err := eventloop.Dial(port)
		if err != nil {
			return nil, err
		}
		stream, err := eventloop.NewStream(l, fd)
		if err != nil {
			return nil, err
		}
		c := &httpConn{stream: stream}
		stream.Data = func(p []byte) int { return h.answered(c, p) }
		h.conns = append(h.conns, c)
	}
	return h, nil
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
		c.stream.Close()
	}
}

func (h *HTTP) next(c *httpConn) {
	if h.head == len(h.queue) {
		h.queue, h.head = h.queue[:0], 0
		return
	}
	if !c.stream.Open() {
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
	h.next(c)
	return size
}
