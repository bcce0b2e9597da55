package wire

import (
	"bytes"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// listener is a Listener that hands on what it hears.
type listener struct {
	messages chan string
	ended    chan struct{}
	leave    func() // after a message
}

func (l *listener) Closed() bool { return false }
func (l *listener) End()         { close(l.ended) }
func (l *listener) Message(_ Opcode, p []byte) {
	l.messages <- string(p)
	if l.leave != nil {
		l.leave()
	}
}

// loops serves sockets each with a Loop that starts when the client has written.
func loops(t *testing.T, start func(*Conn, *listener)) (dial func(write []byte) (*websocket.Conn, *listener)) {
	t.Helper()
	poller := NewPoller(slog.New(slog.DiscardHandler))
	t.Cleanup(poller.Close)
	written, started := make(chan struct{}), make(chan *listener)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := Upgrade(w, r, UpgradeOptions{Poller: poller})
		if err != nil {
			t.Error(err)
			return
		}
		c.SetSink(&recorder{nc: c.NetConn(), frames: make(chan []byte, 10), closes: make(chan CloseCode, 10)})
		<-written
		l := &listener{messages: make(chan string, 10), ended: make(chan struct{})}
		start(c, l)
		started <- l
	}))
	t.Cleanup(srv.Close)
	return func(write []byte) (*websocket.Conn, *listener) {
		ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(srv.URL, "http"), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ws.Close() })
		if _, err := ws.NetConn().Write(write); err != nil {
			t.Fatal(err)
		}
		written <- struct{}{}
		return ws, <-started
	}
}

// The kernel tells a poller of an arrival once: whatever has arrived before a loop
// parks must be read all the same.
func TestLoopReadsWhatCameBefore(t *testing.T) {
	t.Parallel()
	const rounds = 30 // which of poller and loop is first is up to the scheduler
	for name, c := range map[string]struct {
		write []byte
		want  []string
	}{
		"before it starts":      {masked(0x81, "a"), []string{"a"}},
		"behind a long message": {append(masked(0x81, strings.Repeat("x", 2000)), masked(0x81, "a")...), []string{strings.Repeat("x", 2000), "a"}},
		"behind a full buffer": {
			append(bytes.Repeat(masked(0x81, strings.Repeat("x", 58)), 8), masked(0x81, "a")...), // 8 times 64 bytes
			append(strings.Split(strings.Repeat(strings.Repeat("x", 58)+" ", 8), " ")[:8], "a"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dial := loops(t, func(c *Conn, l *listener) { new(Loop).Start(c, l, nil) })
			for range rounds {
				ws, l := dial(c.write)
				for _, want := range c.want {
					if got := wait(t, l.messages); got != want {
						t.Fatalf("got %.20q, want %.20q", got, want)
					}
				}
				ws.Close()
				wait(t, l.ended)
			}
		})
	}
}

// A client that is gone when its last message is read is not waited for.
func TestLoopSeesTheEndBehindAMessage(t *testing.T) {
	t.Parallel()
	dial := loops(t, func(c *Conn, l *listener) { new(Loop).Start(c, l, nil) })
	for range 30 {
		ws, l := dial(masked(0x81, "a"))
		ws.NetConn().(*net.TCPConn).CloseWrite() //nolint:errcheck // the loop tells
		if got := wait(t, l.messages); got != "a" {
			t.Fatalf("got %q", got)
		}
		wait(t, l.ended)
	}
}

// A listener gives the connection away to another loop.
func TestLoopLeaves(t *testing.T) {
	t.Parallel()
	second := &listener{messages: make(chan string, 10), ended: make(chan struct{})}
	dial := loops(t, func(c *Conn, l *listener) {
		var first Loop
		l.leave = func() {
			new(Loop).Start(c, second, nil)
			first.Leave()
		}
		first.Start(c, l, nil)
	})
	ws, l := dial(append(masked(0x81, "a"), masked(0x81, "b")...))
	if got := wait(t, l.messages); got != "a" {
		t.Errorf("the first loop got %q", got)
	}
	if got := wait(t, second.messages); got != "b" {
		t.Errorf("the second loop got %q", got)
	}
	if err := ws.WriteMessage(websocket.TextMessage, []byte("c")); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, second.messages); got != "c" {
		t.Errorf("the second loop got %q", got)
	}
	ws.Close()
	wait(t, second.ended)
	select {
	case <-l.ended:
		t.Error("the loop that was left told its listener of the end")
	default:
	}
}
