package hub

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

// tab is a page of a login whose channel is resumed.
type tab struct {
	*client
	s *Socket
	t *testing.T
}

var resumable = From{Keep: keep, Resume: time.Minute}

func openTab(t *testing.T, h *Hub, id token.Fingerprint, m Meta) *tab {
	t.Helper()
	sc, c := tcpPair(t, false)
	m.Login = id
	s := h.Attach(sc, m)
	h.SubscribeFrom(s, "a", numbered{}, resumable, func(dst []byte, st *Start) []byte {
		if st.Resumed && !st.Recovered {
			dst = wire.AppendText(dst, []byte("gap"))
		}
		return replayOnly(dst, st)
	})
	return &tab{c, s, t}
}

// gets expects messages, and answers the pings behind them where told to.
func (b *tab) gets(confirm bool, messages ...string) {
	b.t.Helper()
	for len(messages) > 0 {
		op, got, err := b.frame()
		switch {
		case err != nil:
			b.t.Fatal(err)
		case op == wire.OpPing:
			b.pong(confirm, got)
			continue
		case got != messages[0]:
			b.t.Fatalf("got %q, want %q", got, messages[0])
		}
		messages = messages[1:]
	}
	if confirm {
		eventually(b.t, "all is confirmed", func() bool {
			p := b.s.progress.Load()
			b.s.mu.Lock()
			out, upTo := p.out, p.upTo
			b.s.mu.Unlock()
			if out {
				_, got, err := b.frame()
				if err != nil {
					b.t.Fatal(err)
				}
				b.pong(true, got)
				return false
			}
			return upTo == b.s.hub.written.Load()
		})
	}
}

func (b *tab) pong(confirm bool, payload string) {
	if len(payload) != 1 {
		b.t.Fatalf("a ping holds %q", payload)
	}
	if confirm {
		b.s.Pong(payload[0])
	}
}

// breaks ends the connection as a cut does.
func (b *tab) breaks() {
	b.Close()
	b.s.Detach()
}

func TestResume(t *testing.T) {
	t.Parallel()
	say := func(h *Hub, texts ...string) {
		for _, s := range texts {
			h.Broadcast("a", []byte(s))
			h.Flush()
		}
	}
	for name, run := range map[string]func(*testing.T, *Hub){
		"what was confirmed is not sent again": func(t *testing.T, h *Hub) {
			b := openTab(t, h, login(1), Meta{})
			say(h, "x", "y")
			b.gets(true, "a 1 x", "a 2 y")
			b.breaks()
			say(h, "z")
			again := openTab(t, h, login(1), Meta{})
			say(h, "new")
			again.gets(true, "a 3 z", "a 4 new")
			again.breaks() // and once more, from there
			say(h, "last")
			openTab(t, h, login(1), Meta{}).gets(true, "a 5 last")
			if st := h.Stats(); st.Resumed != 2 || st.Unresumed != 0 {
				t.Errorf("%+v", st)
			}
		},
		"what was not confirmed is": func(t *testing.T, h *Hub) {
			b := openTab(t, h, login(1), Meta{})
			say(h, "x")
			b.gets(true, "a 1 x")
			say(h, "y")
			b.gets(false, "a 2 y")
			b.breaks()
			say(h, "z")
			openTab(t, h, login(1), Meta{}).gets(true, "a 2 y", "a 3 z")
		},
		"nothing was ever confirmed": func(t *testing.T, h *Hub) {
			say(h, "before")
			b := openTab(t, h, login(1), Meta{})
			say(h, "x")
			b.breaks()
			again := openTab(t, h, login(1), Meta{})
			again.breaks() // before it has confirmed what it was sent again
			openTab(t, h, login(1), Meta{}).gets(true, "a 1 x")
		},
		"another login": func(t *testing.T, h *Hub) {
			openTab(t, h, login(1), Meta{}).breaks()
			say(h, "x")
			b := openTab(t, h, login(2), Meta{})
			say(h, "y")
			b.gets(true, "a 2 y")
		},
		"who closes has no more interest": func(t *testing.T, h *Hub) {
			b := openTab(t, h, login(1), Meta{})
			b.s.Close(wire.CloseGoingAway, "") // as wire does for a client's close frame
			b.s.Detach()
			b = openTab(t, h, login(1), Meta{})
			h.Unsubscribe(b.s, "a", numbered{})
			b.breaks()
			say(h, "x")
			b = openTab(t, h, login(1), Meta{})
			say(h, "y")
			b.gets(true, "a 2 y")
		},
		"a connection that is dead and not yet known to be": func(t *testing.T, h *Hub) {
			dead := openTab(t, h, login(1), Meta{})
			say(h, "x")
			dead.gets(false, "a 1 x")
			b := openTab(t, h, login(1), Meta{})
			b.gets(true, "a 1 x")
			dead.breaks() // which is no break, for b has it all
			say(h, "y")
			b.gets(true, "a 2 y")
			b.breaks()
			say(h, "z")
			openTab(t, h, login(1), Meta{}).gets(true, "a 3 z")
		},
		"two tabs": func(t *testing.T, h *Hub) {
			one, two := openTab(t, h, login(1), Meta{}), openTab(t, h, login(1), Meta{})
			say(h, "x")
			one.gets(true, "a 1 x")
			two.gets(true, "a 1 x")
			one.breaks()
			say(h, "y")
			two.gets(true, "a 2 y")
			two.breaks()
			say(h, "z")
			openTab(t, h, login(1), Meta{}).gets(true, "a 2 y", "a 3 z")
			openTab(t, h, login(1), Meta{}).gets(true, "a 2 y", "a 3 z")
		},
		"a tab that is opened while another is away": func(t *testing.T, h *Hub) {
			openTab(t, h, login(1), Meta{}).breaks()
			say(h, "x")
			opened := openTab(t, h, login(1), Meta{})
			opened.gets(true, "a 1 x")
			openTab(t, h, login(1), Meta{}).gets(true, "a 1 x")
		},
		"a history that may miss something": func(t *testing.T, h *Hub) {
			b := openTab(t, h, login(1), Meta{})
			say(h, "x")
			b.gets(true, "a 1 x")
			b.breaks()
			h.Gap([]string{"a"})
			say(h, "y")
			b = openTab(t, h, login(1), Meta{})
			say(h, "z")
			b.gets(true, "gap", "a 2 z")
			if st := h.Stats(); st.Resumed != 0 || st.Unresumed != 1 {
				t.Errorf("%+v", st)
			}
		},
		"a slow consumer": func(t *testing.T, h *Hub) {
			sc, c := tcpPair(t, true)
			s := h.Attach(sc, Meta{Login: login(1), Queue: 1000})
			h.SubscribeFrom(s, "a", numbered{}, resumable, replayOnly)
			c.reads(s)
			big := strings.Repeat("x", 300_000)
			for !s.Closed() {
				say(h, big)
			}
			openTab(t, h, login(1), Meta{Queue: 64 << 20}).gets(true, "a 1 "+big)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, newHub(t, Options{}))
		})
	}
}

// A time-out is a break as well, and from where the last confirmation was.
// A client that is sent away comes back to where it was, while the node that stops is still
// there to be asked.
func TestSentAwayIsResumed(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]struct {
		end    func(h *Hub, s *Socket)
		resume bool
	}{
		"drained":          {func(h *Hub, _ *Socket) { h.Drain(t.Context(), 0, wire.CloseGoingAway) }, true},
		"sent away":        {func(_ *Hub, s *Socket) { s.SendAway(wire.CloseRestarting, "reconnect") }, true},
		"closed":           {func(_ *Hub, s *Socket) { s.Close(wire.CloseDisplaced, "displaced") }, false},
		"closed by itself": {func(_ *Hub, s *Socket) { s.Close(wire.CloseGoingAway, "") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t, Options{})
			id := token.Fingerprint{1}
			b := openTab(t, h, id, Meta{})
			h.Broadcast("a", []byte("x"))
			h.Flush()
			b.gets(true, "a 1 x")
			leave.end(h, b.s)
			h.Broadcast("a", []byte("y"))
			at, ok := h.LeftOff(id, "a")
			if ok != leave.resume || ok && at.Offset != 1 {
				t.Errorf("left off at %v, %v", at, ok)
			}
		})
	}
}

func TestResumeAfterTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{})
		defer h.Close()
		attach := func() (*Socket, *sunk) {
			conn := &sunk{}
			s := h.Attach(conn, Meta{Login: login(1), Ping: 10 * time.Second})
			h.SubscribeFrom(s, "a", numbered{}, resumable, replayOnly)
			return s, conn
		}
		s, _ := attach()
		h.Broadcast("a", []byte("swallowed"))
		h.Flush()
		time.Sleep(35 * time.Second)
		if h.Stats().Silent != 1 {
			t.Fatal("not timed out")
		}
		s.Detach()
		_, conn := attach()
		synctest.Wait()
		if got := string(conn.got); !strings.Contains(got, "a 1 swallowed") {
			t.Errorf("got %q", got)
		}
		h.CloseLogin(login(1), func(s *Socket) { s.kill(true) })
		time.Sleep(61 * time.Second)
		_, conn = attach()
		synctest.Wait()
		if got := string(conn.got); strings.Contains(got, "swallowed") {
			t.Errorf("after the time to resume: %q", got)
		}
	})
}

// However much comes, there is one question a round trip, and few a second.
func TestProbesAreFew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{})
		defer h.Close()
		conn := &sunk{}
		s := h.Attach(conn, Meta{Login: login(1), Ping: time.Hour})
		h.SubscribeFrom(s, "a", numbered{}, resumable, replayOnly)
		answer := func() {
			synctest.Wait()
			s.mu.Lock()
			n := s.progress.Load().number
			s.mu.Unlock()
			s.Pong(n)
		}
		for i := range 10_000 {
			h.Broadcast("a", fmt.Append(nil, i))
			h.Flush()
			if i%10 == 0 {
				time.Sleep(10 * time.Millisecond)
				answer()
			}
		}
		for range 2 {
			time.Sleep(time.Second)
			answer()
		}
		if n := strings.Count(string(conn.got), "\x89\x01"); n < 40 || n > probesAtOnce+probesPerSecond*12 {
			t.Errorf("%d probes in 10 s", n)
		}
		if got, want := s.progress.Load().confirmed.Load(), h.written.Load(); got != want {
			t.Errorf("confirmed up to %d of %d", got, want)
		}
		if !slices.Equal(h.unconfirmed, nil) {
			t.Error("there is nothing left to ask")
		}
	})
}
