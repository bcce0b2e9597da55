package hub

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

// sunk is a connection that remembers what is written to it.
type sunk struct {
	net.Conn
	mu  sync.Mutex
	got []byte
	end bool
}

func (c *sunk) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end {
		return 0, net.ErrClosed
	}
	c.got = append(c.got, p...)
	return len(p), nil
}

func (c *sunk) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end = true
	return nil
}

// member is what the model knows of one socket.
type member struct {
	s     *Socket
	conn  *sunk
	login token.Fingerprint
	subs  map[listening]bool
	want  map[string][]string // per encoding and channel, in order
	over  string              // the close frame, once there is one
	gone  bool                // detached
}

// listening is a channel in an encoding.
type listening struct {
	ch  string
	enc text
}

// Any order of operations leaves each socket with what it listened to, in order,
// nothing after its close frame, and the source with the channels in use.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		// rapid ends a run by a panic, which has to leave the bubble's goroutine.
		var p any
		synctest.Test(t, func(*testing.T) {
			defer func() { p = recover() }()
			model(rt)
		})
		if p != nil {
			panic(p)
		}
	})
}

func model(rt *rapid.T) {
	src := newSource(rt)
	h := New(Options{Source: src})
	defer h.Close()
	var all []*member
	pending := map[string][]string{}
	held := map[string]int{}
	names := []string{"a", "b", "c"}
	n := 0
	attach := func(id byte) {
		c, fp := &sunk{}, token.Fingerprint{id}
		all = append(all, &member{s: h.Attach(c, Meta{Login: fp}), conn: c, login: fp, subs: map[listening]bool{}, want: map[string][]string{}})
	}
	for i := range byte(5) {
		attach(i / 2)
	}

	live := func() []*member {
		return slices.DeleteFunc(slices.Clone(all), func(m *member) bool { return m.gone || m.over != "" })
	}
	pick := func(rt *rapid.T, ms []*member) *member {
		if len(ms) == 0 {
			rt.Skip("no socket")
		}
		return ms[rapid.IntRange(0, len(ms)-1).Draw(rt, "socket")]
	}
	flush := func() {
		h.Flush()
		synctest.Wait()
		for _, m := range live() {
			for l := range m.subs {
				for _, p := range pending[l.ch] {
					key := string(l.enc) + l.ch
					m.want[key] = append(m.want[key], string(l.enc)+p)
				}
			}
		}
		clear(pending)
	}

	rt.Repeat(map[string]func(*rapid.T){
		"attach": func(rt *rapid.T) {
			attach(rapid.ByteRange(0, 3).Draw(rt, "login"))
		},
		"subscribe": func(rt *rapid.T) {
			m, ch := pick(rt, all), rapid.SampledFrom(names).Draw(rt, "channel")
			enc := rapid.SampledFrom([]text{"", "x"}).Draw(rt, "encoder")
			has := m.subs[listening{ch, enc}]
			if len(pending[ch]) > 0 && !has {
				flush() // else it gets what came before, which is allowed but not modelled
			}
			want := !has && !m.gone && m.over == ""
			if got := h.Subscribe(m.s, ch, enc); got != want {
				rt.Fatalf("Subscribe = %v, want %v", got, want)
			}
			if want {
				m.subs[listening{ch, enc}] = true
			}
		},
		"unsubscribe": func(rt *rapid.T) {
			m, ch := pick(rt, all), rapid.SampledFrom(names).Draw(rt, "channel")
			enc := rapid.SampledFrom([]text{"", "x"}).Draw(rt, "encoder")
			h.Unsubscribe(m.s, ch, enc)
			delete(m.subs, listening{ch, enc})
			if h.Listens(m.s, ch, enc) {
				rt.Fatal("listens still")
			}
		},
		"hold": func(rt *rapid.T) {
			ch := rapid.SampledFrom(names).Draw(rt, "channel")
			h.Hold(ch)
			held[ch]++
		},
		"release": func(rt *rapid.T) {
			if ch := rapid.SampledFrom(names).Draw(rt, "channel"); held[ch] > 0 {
				h.Release(ch)
				held[ch]--
			}
		},
		"broadcast": func(rt *rapid.T) {
			ch := rapid.SampledFrom(names).Draw(rt, "channel")
			n++
			p := fmt.Sprint(ch, n)
			h.Broadcast(ch, []byte(p))
			if src.have[ch] {
				pending[ch] = append(pending[ch], p)
			}
		},
		"flush": func(*rapid.T) { flush() },
		"close": func(rt *rapid.T) {
			m := pick(rt, all)
			code := rapid.SampledFrom([]wire.CloseCode{wire.CloseDisplaced, wire.CloseRestarting}).Draw(rt, "code")
			m.s.Close(code, "")
			if m.over == "" && !m.gone {
				m.over = fmt.Sprint(uint16(code), " ")
			}
			clear(m.subs)
		},
		"close login": func(rt *rapid.T) {
			id := token.Fingerprint{rapid.ByteRange(1, 3).Draw(rt, "login")}
			h.CloseLogin(id, func(s *Socket) { s.Close(wire.CloseKicked, "") })
			for _, m := range live() {
				if m.login == id {
					m.over = "4503 "
					clear(m.subs)
				}
			}
		},
		"detach": func(rt *rapid.T) {
			m := pick(rt, all)
			m.s.Detach()
			m.gone = true
			clear(m.subs)
		},
		"": func(rt *rapid.T) {
			check(rt, h, src, held, all, live())
		},
	})
	flush()
	for _, m := range all {
		m.check(rt)
	}
}

func check(rt *rapid.T, h *Hub, src *source, held map[string]int, all, live []*member) {
	synctest.Wait()
	used := map[string]bool{}
	for ch, n := range held {
		if n > 0 {
			used[ch] = true
		}
	}
	logins := map[token.Fingerprint]int{}
	open := 0
	for _, m := range all {
		for l := range m.subs {
			used[l.ch] = true
		}
		if n := m.s.Channels(); n != len(m.subs) {
			rt.Fatalf("a socket listens to %d, want %d", n, len(m.subs))
		}
		if !m.gone {
			open++
		}
	}
	for _, m := range live {
		logins[m.login]++
	}
	if !maps.Equal(used, src.have) {
		rt.Fatalf("the source has %v, want %v", src.have, used)
	}
	seen := map[token.Fingerprint]int{}
	for id, meta := range h.Logins() {
		if seen[id]++; seen[id] > 1 || meta.Login != id || id.IsZero() {
			rt.Fatalf("login %v with %v", id, meta)
		}
	}
	for i := range byte(4) {
		id := token.Fingerprint{i}
		want := logins[id]
		if i == 0 {
			want = 0
		}
		if got := h.PerLogin(id); got != want || (seen[id] > 0) != (want > 0) {
			rt.Fatalf("login %d has %d sockets, want %d; listed %d times", i, got, want, seen[id])
		}
	}
	if got := h.Count(); got != open {
		rt.Fatalf("%d open, want %d", got, open)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.wheel.check(); err != nil {
		rt.Fatal(err)
	}
	for _, m := range all {
		for _, sub := range m.s.subs {
			if sub.group.subs[sub.index] != m.s {
				rt.Fatalf("a socket's place in %s is another's", sub.group.name)
			}
		}
	}
}

// check compares what one socket got with what it should have.
func (m *member) check(rt *rapid.T) {
	got := map[string][]string{}
	over := ""
	for b := m.conn.got; len(b) > 0; {
		l := wire.FrameLen(b)
		if l == 0 || over != "" {
			rt.Fatalf("%q after %q", b, over)
		}
		if wire.Opcode(b[0]&15) == wire.OpClose {
			over = fmt.Sprint(uint16(b[2])<<8|uint16(b[3]), " ", string(b[4:l]))
		} else if p := string(b[2:l]); p != "" {
			key := p[:1]
			if key == "x" {
				key = p[:2]
			}
			got[key] = append(got[key], p)
		}
		b = b[l:]
	}
	if over != m.over || !maps.EqualFunc(got, m.want, slices.Equal) {
		rt.Fatalf("got %v, closed %q; want %v, closed %q", got, over, m.want, m.over)
	}
}
