package hub

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

// text encodes every payload as a text frame, after a prefix.
type text string

func (p text) Append(dst []byte, m *Message) []byte {
	return wire.AppendFrame(dst, wire.OpText, append([]byte(p), m.Payload...))
}

func newHub(t testing.TB, o Options) *Hub {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	h := New(o)
	t.Cleanup(h.Close)
	return h
}

// client is the other end of a socket.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

// tcpPair is a connection over loopback; small sets small kernel buffers.
func tcpPair(t testing.TB, small bool) (server net.Conn, c *client) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	sc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if small {
		cc.(*net.TCPConn).SetReadBuffer(32 << 10)  //nolint:errcheck // only makes the test faster
		sc.(*net.TCPConn).SetWriteBuffer(32 << 10) //nolint:errcheck // as above
	}
	t.Cleanup(func() { cc.Close(); sc.Close() })
	return sc, newClient(t, cc)
}

func newClient(t testing.TB, c net.Conn) *client {
	return &client{Conn: c, t: t, r: bufio.NewReader(c)}
}

// plainConn hides what a connection is, as TLS would.
type plainConn struct{ net.Conn }

// reads runs the reading side of s, as a wire loop would: it ends with the
// connection, or the client's close frame.
func (c *client) reads(s *Socket) {
	var wg sync.WaitGroup
	wg.Go(func() {
		defer s.Detach()
		b := make([]byte, 512)
		for {
			n, err := s.conn.Read(b)
			if err != nil || n > 0 && b[0] == 0x88 {
				return
			}
			s.Seen()
		}
	})
	c.t.Cleanup(func() { s.kill(true); wg.Wait() })
}

// frame is the next frame: its opcode and payload, of a close frame "code reason".
func (c *client) frame() (wire.Opcode, string, error) {
	var head [2]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return 0, "", err
	}
	n := uint64(head[1])
	switch n {
	case 126:
		var b [2]byte
		io.ReadFull(c.r, b[:]) //nolint:errcheck // the payload's read tells
		n = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		io.ReadFull(c.r, b[:]) //nolint:errcheck // as above
		n = binary.BigEndian.Uint64(b[:])
	}
	if n > 1<<24 || head[0]&0x70 != 0 || head[0]&0x80 == 0 {
		return 0, "", fmt.Errorf("not a frame: %x, length %d", head, n)
	}
	p := make([]byte, n)
	if _, err := io.ReadFull(c.r, p); err != nil {
		return 0, "", err
	}
	if op := wire.Opcode(head[0] & 15); op != wire.OpClose || n < 2 {
		return op, string(p), nil
	}
	return wire.OpClose, fmt.Sprintf("%d %s", binary.BigEndian.Uint16(p), p[2:]), nil
}

// expect reads frames and compares; a close frame is written as "close <code> <reason>".
func (c *client) expect(want ...string) {
	c.t.Helper()
	for _, w := range want {
		op, got, err := c.frame()
		switch op {
		case wire.OpClose:
			got = "close " + got
		case wire.OpPing:
			got = "ping" + got
		}
		if err != nil || got != w {
			c.t.Fatalf("got %.60q, %v; want %.60q", got, err, w)
		}
	}
}

// ended expects the connection's end.
func (c *client) ended() {
	c.t.Helper()
	if op, p, err := c.frame(); err == nil {
		c.t.Fatalf("got %d %.60q, want the end", op, p)
	}
}

func (c *client) sendClose() {
	c.t.Helper()
	if _, err := c.Write([]byte{0x88, 0x80, 0, 0, 0, 0}); err != nil {
		c.t.Error(err)
	}
}

func login(n byte) token.Fingerprint { return token.Fingerprint{n} }

// source remembers what it was asked for, and complains of nonsense.
type source struct {
	t    complainer
	mu   sync.Mutex
	have map[string]bool
	log  []string
}

// complainer is what testing and rapid have in common.
type complainer interface{ Errorf(string, ...any) }

func newSource(t complainer) *source { return &source{t: t, have: map[string]bool{}} }

func (s *source) Subscribe(ch string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.have[ch] {
		s.t.Errorf("%s was subscribed to twice", ch)
	}
	s.have[ch] = true
	s.log = append(s.log, "+"+ch)
}

func (s *source) Unsubscribe(ch string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.have[ch] {
		s.t.Errorf("%s was unsubscribed from in vain", ch)
	}
	delete(s.have, ch)
	s.log = append(s.log, "-"+ch)
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("never: " + what)
		}
	}
}
