package hub

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

const (
	// DefaultPing is how often a socket is pinged.
	DefaultPing = 25 * time.Second
	// DefaultQueue is how many bytes may wait for one socket.
	DefaultQueue = 1 << 20
)

// Connect gives a socket that was attached without a connection its connection, once.
// What was sent to it meanwhile, at most Meta.Queue bytes, has waited.
func (s *Socket) Connect(conn net.Conn) {
	s.mu.Lock()
	dead := s.dead
	s.conn, s.raw, s.writing = conn, rawConn(conn), false
	if !dead && len(s.queue) > 0 {
		s.writing = true
		s.hub.wg.Go(s.write)
	}
	s.mu.Unlock()
	if dead {
		conn.Close() //nolint:errcheck // what it was for has ended
	}
}

// Meta is what the hub is told of a socket. It never changes, but for Expires,
// which is Socket.SetExpires' to change, and what Socket.Admit tells once.
type Meta struct {
	// Login is the identity of the login. The zero value is none: such a socket
	// is in no index of logins.
	Login token.Fingerprint
	// Account is the account's name.
	Account string
	// IP is the client's address.
	IP string
	// Ping is how often the client is pinged; one that gave no sign of life since
	// two pings is closed. Default: DefaultPing.
	Ping time.Duration
	// Expires is when the token ends. Zero: never, or not known.
	Expires time.Time
	// Queue is how many bytes may wait for this socket before it is closed with
	// 4008; one message may always wait, however long. Default: DefaultQueue.
	Queue int
	// Framing is how the hub itself speaks on the connection. Default: WebSocket.
	Framing *Framing
	// Reader is the reading side, where it may wait without a goroutine: it is woken
	// when the connection is closed. Default: none.
	Reader Waker
	// User is the caller's own.
	User any
}

// Waker is a reading side that waits without a goroutine: wire.Conn in production.
type Waker interface{ Wake() }

// Socket is one connection of a hub. Hub.Attach makes one.
type Socket struct {
	// What a broadcast looks at comes first, in one cache line: with thousands of
	// sockets, each line costs a miss for each delivery.
	raw     syscall.RawConn // nil: every write takes a goroutine
	mu      sync.Mutex      // over what follows
	writing bool            // has a writer, which alone may write
	ending  bool            // the close frame is queued or written: nothing may follow
	dead    bool            // the connection is closed
	reading bool            // Detach was not called yet
	rounds  uint32          // writes that the writer finished
	bytes   int             // in queue, and with the writer
	off     int             // bytes of queue[0] that are written, or being written
	queue   [][]byte        // whole frames, several in one slice; empty unless writing
	timer   *time.Timer

	alive  atomic.Bool // a sign of life since the last ping
	closed atomic.Bool
	hub    *Hub
	conn   net.Conn
	meta   Meta

	// Hub.mu is over these.
	subs       []subscription
	prev, next *Socket // of the same login
	place      place   // on the wheel
	gone       bool    // left the indexes
	lost       bool    // broke off: Socket.mu is over it
	marks      bool    // Mark was called
	marked     uint64  // the flush that marked it last

	progress atomic.Pointer[progress] // set once; nil: nothing can be resumed

	// These belong to the goroutine that flushes.
	flushed uint64
	work    int32
}

// Attach takes over the writing side of a connection. From here on the socket is
// in the index of its login. A nil connection is one that is yet to come, see Connect:
// so a client that learns by its connection that it is subscribed, is.
func (h *Hub) Attach(conn net.Conn, m Meta) *Socket {
	if m.Ping <= 0 {
		m.Ping = DefaultPing
	}
	if m.Queue <= 0 {
		m.Queue = DefaultQueue
	}
	if m.Framing == nil {
		m.Framing = WebSocket
	}
	s := &Socket{hub: h, conn: conn, raw: rawConn(conn), meta: m, reading: true, writing: conn == nil}
	s.alive.Store(true)
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		s.gone, s.dead, s.ending = true, true, true
		s.closed.Store(true)
		if conn != nil {
			conn.Close() //nolint:errcheck // a hub that has ended takes nobody in
		}
		return s
	}
	h.open++
	h.addLogin(s)
	h.wheel.add(s, time.Now())
	h.mu.Unlock()
	return s
}

// Meta is what Attach and Admit were told, with defaults filled in.
func (s *Socket) Meta() Meta {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.meta
}

// Closed says that nothing more will be sent and nothing more should be done for
// the client.
func (s *Socket) Closed() bool { return s.closed.Load() }

// Seen marks a sign of life of the client.
func (s *Socket) Seen() {
	// A load is cheaper than a store on a line that the writer shares.
	if !s.alive.Load() {
		s.alive.Store(true)
	}
}

// Detach is called when the reading side has ended. It ends the subscriptions,
// and the connection: at once, or when what Close left to write is written.
// Further calls do nothing.
func (s *Socket) Detach() {
	s.closed.Store(true)
	s.mu.Lock()
	s.lost = s.lost || !s.ending
	broke := s.lost // nobody has said good-bye
	s.mu.Unlock()
	s.hub.leave(s, broke)
	s.mu.Lock()
	s.reading = false
	over := !s.ending || !s.writing
	s.mu.Unlock()
	if over {
		s.kill(false)
	}
}

// rawConn yields the file descriptor of connections that may be written to directly.
func rawConn(c net.Conn) syscall.RawConn {
	if !haveRawWrite || c == nil {
		return nil
	}
	return wire.RawConn(c)
}
