//go:build linux

// Package crowd are clients that speak through a library: what swarm's raw frames
// can't do, such as TLS and compression. Each costs two orders of magnitude more than
// one of swarm's, so there are fewer of them, and it is the server's time that counts.
//
// A Crowd runs in goroutines of its own; its methods are safe for concurrent use.
package crowd

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/wsgate/wsgate/bench/internal/hist"
	"github.com/wsgate/wsgate/bench/internal/payload"
)

// Options are how the clients speak.
type Options struct {
	// URL is where client i connects.
	URL func(i int) string
	// Hello are the messages that client i sends first.
	Hello func(i int) []string
	// Compression is offered.
	Compression bool
	// Clock is the clock of the payloads' times.
	Clock func() int64
	// InFlight is how many connect at a time.
	InFlight int
}

// Crowd are the clients.
type Crowd struct {
	o      Options
	dialer websocket.Dialer
	wg     sync.WaitGroup
	bytes  atomic.Uint64 // that came over the network
	opened atomic.Int64
	probed atomic.Int64

	mu      sync.Mutex
	conns   []*websocket.Conn
	stats   Stats
	failure error
	closed  bool
}

// Stats is what has arrived.
type Stats struct {
	Deliveries, Bytes uint64
	Latency           hist.Hist
	// Faults are messages that came twice, too early or to nobody.
	Faults uint64
}

// Connect lets n clients connect, and returns at once.
func Connect(n int, o Options) *Crowd {
	c := &Crowd{o: o}
	c.dialer = websocket.Dialer{
		EnableCompression: o.Compression,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the server's own authority, on loopback
		NetDialContext:    c.dial,
		ReadBufferSize:    4096,
		WriteBufferSize:   256,
		HandshakeTimeout:  time.Minute,
	}
	turns := make(chan struct{}, o.InFlight)
	for i := range n {
		c.wg.Go(func() {
			turns <- struct{}{}
			conn, err := c.open(i)
			<-turns
			if err != nil {
				c.fail(err)
				return
			}
			c.read(conn)
		})
	}
	return c
}

// Opened is how many are connected and have said hello.
func (c *Crowd) Opened() int { return int(c.opened.Load()) }

// Probed is how many have got a probe.
func (c *Crowd) Probed() int { return int(c.probed.Load()) }

// Err is the first that went wrong.
func (c *Crowd) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}

// Take returns what has arrived since the last call.
func (c *Crowd) Take() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Bytes = c.bytes.Swap(0)
	c.stats = Stats{}
	return s
}

// Close breaks all connections off and waits for the clients' goroutines.
func (c *Crowd) Close() {
	c.mu.Lock()
	c.closed = true
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.mu.Unlock()
	c.wg.Wait()
}

func (c *Crowd) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &counted{nc, &c.bytes}, nil
}

func (c *Crowd) open(i int) (*websocket.Conn, error) {
	conn, res, err := c.dialer.Dial(c.o.URL(i), http.Header{})
	if err != nil {
		if res != nil {
			err = fmt.Errorf("%w: %s", err, res.Status)
		}
		return nil, fmt.Errorf("crowd: client %d: %w", i, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conn)
	if c.closed {
		_ = conn.Close()
	}
	for _, m := range c.o.Hello(i) {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
			return nil, fmt.Errorf("crowd: client %d: %w", i, err)
		}
	}
	c.opened.Add(1)
	return conn, nil
}

// read takes what comes until the connection ends.
func (c *Crowd) read(conn *websocket.Conn) {
	probed, next := false, uint32(0)
	for {
		_, p, err := conn.ReadMessage()
		if err != nil {
			c.fail(err)
			return
		}
		at := bytes.Index(p, []byte(payload.Mark))
		if at < 0 {
			continue // a greeting or an answer
		}
		m, ok := payload.Parse(p[at:])
		switch {
		case !ok:
			c.fault()
		case m.Kind == payload.Probe:
			if !probed {
				probed = true
				c.probed.Add(1)
			}
		default:
			if m.Seq != next {
				c.fault()
			}
			next = m.Seq + 1
			c.arrived(m.Time)
		}
	}
}

func (c *Crowd) arrived(sent int64) {
	late := c.o.Clock() - sent
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Deliveries++
	c.stats.Latency.Add(late)
}

func (c *Crowd) fault() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Faults++
}

func (c *Crowd) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure == nil && !c.closed {
		c.failure = err
	}
}

// counted counts what is read.
type counted struct {
	net.Conn
	n *atomic.Uint64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n.Add(uint64(n)) //nolint:gosec // never negative
	return n, err
}
