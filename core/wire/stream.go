package wire

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// StreamOptions are what one stream needs.
type StreamOptions struct {
	// First writes what the body begins with, at least one byte. It may write much:
	// a client that is slow to take it is waited for.
	First func(io.Writer) error
	// Poller lets the connection wait without a goroutine. Default: none.
	Poller *Poller
	// Silence is how long a client may leave what it was sent unacknowledged, where
	// the connection is TCP of its own, on Linux: a client sends nothing by itself, so
	// there is no other sign that it has gone. It is also how long First may wait for
	// the client. Default: without end.
	Silence time.Duration
}

// NewStream makes a Conn that Open gives its connection.
func NewStream() *Conn { return &Conn{oneWay: true} }

// Open answers r with 200, w's headers, and a body that ends with the connection, and
// takes the connection over, as Upgrade does; its reading side only tells of the end.
// Where that can't be, as with HTTP/2, the Conn is one stream of a connection: the
// handler must then stay in Wait until that has ended.
//
// An error means that the connection broke: there is nobody left to answer.
func (c *Conn) Open(w http.ResponseWriter, r *http.Request, o StreamOptions) error {
	in, hijack := innermost(w).(http.Hijacker)
	hijack = hijack && r.ProtoMajor == 1
	if hijack {
		// Takes net/http's chunks away, which nobody would write later (RFC 9112
		// section 6.3, item 8).
		w.Header().Set("Transfer-Encoding", "identity")
	}
	// Through the whole chain of writers, so that each of them logs and counts it.
	w.WriteHeader(http.StatusOK)
	rc := http.NewResponseController(w)
	err := o.First(&firstWriter{w, rc, o.Silence})
	if err == nil {
		err = rc.Flush()
	}
	if err != nil {
		return fmt.Errorf("wire: stream: %w", err)
	}
	if !hijack {
		// What the server allows an ordinary answer is not meant for this one.
		_ = rc.SetWriteDeadline(time.Time{})
		_ = rc.SetReadDeadline(time.Time{})
		c.nc = newStreamConn(w, rc, r)
		return nil
	}
	if c.nc, _, err = in.Hijack(); err != nil {
		return fmt.Errorf("wire: hijack: %w", err)
	}
	setSilence(c.nc, o.Silence)
	c.watch(o.Poller)
	return nil
}

// firstWriter bounds the wait for a client.
type firstWriter struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	silence time.Duration
}

func (f *firstWriter) Write(p []byte) (int, error) {
	if f.silence > 0 {
		_ = f.rc.SetWriteDeadline(time.Now().Add(f.silence)) // a writer that can't has none
	}
	return f.w.Write(p)
}

// Wait returns when the handler may: at once where the connection was taken over, and
// else when it was closed.
func (c *Conn) Wait() {
	if s, ok := c.nc.(*streamConn); ok {
		s.wait()
	}
}

// Shared says that the connection is the server's, which waits for its end when it
// stops.
func (c *Conn) Shared() bool {
	_, shared := c.nc.(*streamConn)
	return shared
}

// discard reads what a client that has nothing to say sent all the same.
func (c *Conn) discard() error {
	c.release()
	c.buf = buffers.Get().(*[]byte)
	_, err := c.nc.Read((*c.buf)[:cap(*c.buf)])
	return err
}

// streamConn is the connection of a stream that is still its handler's.
type streamConn struct {
	w      http.ResponseWriter
	rc     *http.ResponseController
	under  *http.ResponseController // of the server's own writer
	ctx    context.Context          //nolint:containedctx // of the request, whose connection this is
	local  net.Addr
	remote streamAddr

	mu      sync.Mutex // over what follows
	changed sync.Cond
	writing bool
	over    bool // closed; once nobody writes, w is nobody's
	closed  chan struct{}
}

func newStreamConn(w http.ResponseWriter, rc *http.ResponseController, r *http.Request) *streamConn {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	s := &streamConn{w: w, rc: rc, under: http.NewResponseController(innermost(w)), ctx: r.Context(), local: local, remote: streamAddr(r.RemoteAddr), closed: make(chan struct{})}
	s.changed.L = &s.mu
	return s
}

// Read waits for the end: of the connection, or of the client's interest.
func (s *streamConn) Read([]byte) (int, error) {
	select {
	case <-s.ctx.Done():
		return 0, io.EOF
	case <-s.closed:
		return 0, net.ErrClosed
	}
}

func (s *streamConn) Write(p []byte) (int, error) {
	s.mu.Lock()
	for s.writing {
		s.changed.Wait()
	}
	if s.over {
		s.mu.Unlock()
		return 0, net.ErrClosed
	}
	s.writing = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.writing = false
		s.changed.Broadcast()
		s.mu.Unlock()
	}()
	n, err := s.w.Write(p)
	if err == nil {
		err = s.rc.Flush()
	}
	return n, err
}

// Close ends a write that waits for the client, too. Further calls do nothing.
//
// The server's own writer takes a deadline beside a write; those around it, such as
// Caddy's for its idle time-out, need not.
func (s *streamConn) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil
	}
	s.over = true
	close(s.closed)
	s.changed.Broadcast()
	if s.writing {
		return s.under.SetWriteDeadline(time.Now())
	}
	return nil
}

func (s *streamConn) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.over || s.writing {
		s.changed.Wait()
	}
}

func (s *streamConn) LocalAddr() net.Addr  { return s.local }
func (s *streamConn) RemoteAddr() net.Addr { return s.remote }

// SetDeadline and its like do nothing: the hub bounds its writes itself.
func (*streamConn) SetDeadline(time.Time) error      { return nil }
func (*streamConn) SetReadDeadline(time.Time) error  { return nil }
func (*streamConn) SetWriteDeadline(time.Time) error { return nil }

type streamAddr string

func (streamAddr) Network() string  { return "http" }
func (a streamAddr) String() string { return string(a) }
