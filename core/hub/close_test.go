package hub

import (
	"crypto/tls"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/wire"
)

// Invariant 9: one notice, and nothing after it, however many closes and
// broadcasts race.
func TestCloseOnce(t *testing.T) {
	t.Parallel()
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 50 {
				h := newHub(t, Options{})
				sc, c := tcpPair(t, false)
				s := h.Attach(kind(sc), Meta{Login: login(1)})
				h.Subscribe(s, "a", text(""))
				c.reads(s)
				var wg sync.WaitGroup
				for range 3 {
					wg.Go(func() {
						s.Close(wire.CloseDisplaced, "displaced", nil, wire.TextFrame("loginOut"))
						s.Send(wire.TextFrame("late"))
					})
				}
				wg.Go(func() {
					for i := range 50 {
						h.Broadcast("a", fmt.Append(nil, i))
						h.Flush()
					}
				})
				closed, notices := false, 0
				for {
					op, m, err := c.frame()
					if err != nil {
						break
					}
					switch {
					case closed:
						t.Fatalf("%q after the close frame", m)
					case op == wire.OpClose && m == "4501 displaced" && notices == 1:
						closed = true
						c.sendClose()
					case m == "loginOut":
						notices++
					case notices > 0 || m == "late":
						t.Fatalf("%q after the notice", m)
					}
				}
				wg.Wait()
				if !closed || notices != 1 || !s.Closed() {
					t.Fatalf("closed %v, %d notices", closed, notices)
				}
			}
		})
	}
}

func TestCloseLeavesTheIndexesAtOnce(t *testing.T) {
	t.Parallel()
	src := newSource(t)
	h := newHub(t, Options{Source: src})
	sc, c := tcpPair(t, false)
	s := h.Attach(sc, Meta{Login: login(1)})
	h.Subscribe(s, "a", text(""))
	s.Close(wire.CloseKicked, "")
	if h.PerLogin(login(1)) != 0 || src.have["a"] || h.Count() != 1 {
		t.Errorf("%d of the login, source %v, %d open", h.PerLogin(login(1)), src.have, h.Count())
	}
	c.expect("close 4503 ")
	s.Detach()
	c.ended()
	eventually(t, "nothing is open", func() bool { return h.Count() == 0 })
	s.Detach()
	s.Close(wire.CloseKicked, "")
	s.Send([]byte("x"))
}

// A client that never answers a close frame costs a second.
func TestCloseWithoutAnswer(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	sc, c := tcpPair(t, false)
	s := h.Attach(sc, Meta{})
	c.reads(s)
	begin := time.Now()
	s.Close(wire.CloseDisplaced, "displaced")
	c.expect("close 4501 displaced")
	c.ended()
	if d := time.Since(begin); d < closeWait*9/10 || d > closeWait*3 {
		t.Errorf("took %v", d)
	}
}

// Over TLS the same, and the connection doesn't wait for a client that reads
// nothing.
func TestTLS(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	sc, c := tcpPair(t, false)
	server := tls.Server(sc, &tls.Config{Certificates: []tls.Certificate{certificate(t)}}) //nolint:gosec // a test
	cl := tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true})                        //nolint:gosec // a test
	c = newClient(t, cl)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Handshake(); err != nil {
			t.Error(err)
		}
	})
	if err := cl.Handshake(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	s := h.Attach(server, Meta{})
	c.reads(s)
	h.Subscribe(s, "a", text(""))
	for i := range 100 {
		h.Broadcast("a", fmt.Append(nil, i))
		h.Flush()
	}
	for i := range 100 {
		c.expect(fmt.Sprint(i))
	}
	s.Close(wire.CloseDisplaced, "bye", wire.TextFrame("loginOut"))
	c.expect("loginOut", "close 4501 bye")
	c.sendClose()
	if _, _, err := c.frame(); err != io.EOF { //nolint:errorlint // close_notify is a plain EOF
		t.Errorf("the connection ended with %v, want a clean end", err)
	}
}

func TestSlowConsumer(t *testing.T) {
	t.Parallel()
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t, Options{})
			sc, slow := tcpPair(t, true)
			s := h.Attach(kind(sc), Meta{Queue: 200_000})
			slow.reads(s)
			fc, fast := tcpPair(t, false)
			f := h.Attach(fc, Meta{Queue: 64 << 20})
			h.Subscribe(s, "a", text(""))
			h.Subscribe(f, "a", text(""))
			body := strings.Repeat("x", 1000)
			n := 0
			for ; !s.Closed(); n++ {
				h.Broadcast("a", fmt.Appendf(nil, "%06d%s", n, body))
				if n%3 == 0 {
					h.Flush()
				}
				s.mu.Lock()
				if s.bytes > 200_000 || s.bytes < 0 {
					t.Errorf("%d bytes wait", s.bytes)
				}
				s.mu.Unlock()
				if n > 100_000 {
					t.Fatal("never closed")
				}
			}
			h.Flush()
			for i := range n {
				fast.expect(fmt.Sprintf("%06d%s", i, body))
			}
			// What it reads late is whole, in order, and ends with the reason.
			for i := 0; ; i++ {
				op, m, err := slow.frame()
				if err != nil {
					t.Fatal(err)
				}
				if op == wire.OpClose {
					if m != "4008 slow consumer" {
						t.Errorf("closed with %q", m)
					}
					break
				}
				if m != fmt.Sprintf("%06d%s", i, body) {
					t.Fatalf("message %d is %.10q", i, m)
				}
			}
			slow.sendClose()
			slow.ended()
			if h.Stats().Slow != 1 {
				t.Errorf("%+v", h.Stats())
			}
		})
	}
}

// One message may be longer than the queue.
func TestOneGiantMessage(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	sc, c := tcpPair(t, true)
	s := h.Attach(sc, Meta{Queue: 1000})
	m := strings.Repeat("x", 2<<20)
	s.Send(wire.TextFrame(m))
	c.expect(m)
	s.Send(wire.TextFrame("after"))
	c.expect("after")
}

func TestFrameEnd(t *testing.T) {
	t.Parallel()
	a, b := wire.TextFrame("hello"), wire.TextFrame(strings.Repeat("x", 70_000))
	all := append(append([]byte(nil), a...), b...)
	for off, want := range map[int]int{1: 7, 6: 7, 7: 7, 8: len(all), len(all) - 1: len(all), len(all): len(all)} {
		if got := frameEnd(WebSocket, all, off); got != want {
			t.Errorf("%d bytes written: the frame ends at %d, want %d", off, got, want)
		}
	}
}

// A connection that breaks is noticed by the write, and the reader ends.
func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	sc, c := tcpPair(t, false)
	s := h.Attach(sc, Meta{})
	c.Close()
	eventually(t, "the socket is closed", func() bool {
		s.Send(wire.TextFrame("x"))
		return s.Closed()
	})
	eventually(t, "it is gone", func() bool { return h.Count() == 0 })
}

func TestHubClose(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	sc, c := tcpPair(t, true)
	s := h.Attach(sc, Meta{})
	c.reads(s)
	s.Send(wire.TextFrame(strings.Repeat("x", 8<<20))) // its writer is stuck
	sc2, c2 := tcpPair(t, false)
	closing := h.Attach(sc2, Meta{})
	closing.Close(wire.CloseRestarting, "")
	h.Close()
	h.Close()
	if h.Count() != 0 {
		t.Errorf("%d connections are open", h.Count())
	}
	c2.expect("close 1012 ")
	c2.ended()
	sc3, c3 := tcpPair(t, false)
	late := h.Attach(sc3, Meta{Login: login(1)})
	c3.ended()
	if !late.Closed() || h.Count() != 0 || h.PerLogin(login(1)) != 0 || h.Subscribe(late, "a", text("")) {
		t.Error("a closed hub took a socket in")
	}
	late.Send(wire.TextFrame("x"))
	late.Close(wire.CloseRestarting, "")
	late.Detach()
}

// A client that answers nothing has no answer to wait for, and gives no sign of life.
func TestOneWayEndsWithItsClose(t *testing.T) {
	t.Parallel()
	oneWay := *WebSocket
	oneWay.OneWay = true
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t, Options{})
			sc, c := tcpPair(t, false)
			s := h.Attach(kind(sc), Meta{Framing: &oneWay})
			c.reads(s)
			for range 5 {
				if kind := func() taskKind { h.mu.Lock(); defer h.mu.Unlock(); return s.life() }(); kind != taskPing {
					t.Fatalf("task %d for a client that can't show that it lives", kind)
				}
			}
			began := time.Now()
			s.Close(wire.CloseDisplaced, "displaced", wire.TextFrame("loginOut"))
			c.expect("loginOut", "close 4501 displaced")
			if _, _, err := c.frame(); err == nil {
				t.Error("something came after the close")
			}
			if d := time.Since(began); d > closeWait/2 {
				t.Errorf("the connection ended after %v", d)
			}
		})
	}
}
