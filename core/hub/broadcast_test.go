package hub

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wsgate/wsgate/core/wire"
)

// kinds of connections: written to directly, and through a goroutine.
var kinds = map[string]func(net.Conn) net.Conn{
	"direct":  func(c net.Conn) net.Conn { return c },
	"wrapped": func(c net.Conn) net.Conn { return plainConn{c} },
}

func TestBroadcast(t *testing.T) {
	t.Parallel()
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t, Options{})
			sc, c := tcpPair(t, false)
			s := h.Attach(kind(sc), Meta{})
			c.reads(s)
			if !h.Subscribe(s, "a", text("")) || h.Subscribe(s, "a", text("")) {
				t.Error("subscribing again is not a no-op")
			}
			h.Subscribe(s, "b", text(""))
			h.Broadcast("a", []byte("1"))
			h.Broadcast("b", []byte("x"))
			h.Broadcast("nobody", []byte("-"))
			h.Broadcast("a", []byte("2"))
			h.Flush()
			c.expect("1", "2", "x") // the order of one channel is kept, not that between channels
			h.Unsubscribe(s, "a", text(""))
			h.Broadcast("a", []byte("3"))
			h.Broadcast("b", []byte("y"))
			h.Flush()
			c.expect("y")
		})
	}
}

func TestEncodersShareAChannel(t *testing.T) {
	t.Parallel()
	src := newSource(t)
	h := newHub(t, Options{Source: src})
	var cs []*client
	var ss []*Socket
	for i := range 4 {
		sc, c := tcpPair(t, false)
		s := h.Attach(sc, Meta{})
		h.Subscribe(s, "a", text(fmt.Sprint(i%2)))
		cs, ss = append(cs, c), append(ss, s)
	}
	h.Broadcast("a", []byte("x"))
	h.Flush()
	for i, c := range cs {
		c.expect(fmt.Sprint(i%2) + "x")
	}
	for _, i := range []int{1, 3, 0, 2} {
		h.Unsubscribe(ss[i], "a", text(fmt.Sprint(i%2)))
	}
	if got := strings.Join(src.log, " "); got != "+a -a" {
		t.Errorf("the source was asked %q", got)
	}
}

// counted counts writes.
type counted struct {
	net.Conn
	n atomic.Int32
}

func (c *counted) Write(p []byte) (int, error) {
	c.n.Add(1)
	return c.Conn.Write(p)
}

func TestManyMessagesAreOneWrite(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	sc, c := tcpPair(t, false)
	cc := &counted{Conn: sc}
	s := h.Attach(cc, Meta{})
	direct, dc := tcpPair(t, false)
	h.Subscribe(h.Attach(direct, Meta{}), "a", text(""))
	var want []string
	for _, ch := range []string{"a", "b", "c"} {
		h.Subscribe(s, ch, text(""))
		for i := range 20 {
			m := fmt.Sprint(ch, i)
			h.Broadcast(ch, []byte(m))
			want = append(want, m)
		}
	}
	h.Flush()
	c.expect(want...)
	dc.expect(want[:20]...)
	if n := cc.n.Load(); n != 1 {
		t.Errorf("60 messages of 3 channels took %d writes", n)
	}
	if st := h.Stats(); st.Messages != 60 || st.Deliveries != 80 || st.Writes != 2 {
		t.Errorf("%+v", st)
	}
}

// Much of several channels at once still arrives whole and in order.
func TestLargeMerges(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	sc, c := tcpPair(t, false)
	s := h.Attach(sc, Meta{Queue: 64 << 20})
	var want []string
	for i, size := range []int{10, maxMerge + 1, 100, maxMerge - 200, 300, 0, 5 * maxMerge} {
		ch := fmt.Sprint(i)
		h.Subscribe(s, ch, text(""))
		m := strings.Repeat(ch, size)
		h.Broadcast(ch, []byte(m))
		want = append(want, m)
	}
	h.Flush()
	c.expect(want...)
}

func TestBroadcastFlushesBeforeItGrows(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	sc, c := tcpPair(t, false)
	h.Subscribe(h.Attach(sc, Meta{Queue: 64 << 20}), "a", text(""))
	m := strings.Repeat("x", 100_000)
	for range 11 {
		h.Broadcast("a", []byte(m))
	}
	c.expect(slices.Repeat([]string{m}, 11)...) // without Flush
}

// What a socket keeps must not be written over by the next broadcast.
func TestKeptFramesAreNotReused(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	sc, c := tcpPair(t, true)
	s := h.Attach(sc, Meta{Queue: 64 << 20})
	c.reads(s)
	fast, fc := tcpPair(t, false)
	f := h.Attach(fast, Meta{})
	var want []string
	for _, ch := range []string{"a", "b"} {
		h.Subscribe(s, ch, text(""))
		h.Subscribe(f, ch, text(""))
	}
	for i := range 2000 {
		m := fmt.Sprintf("%06d %s", i, strings.Repeat(string(rune('a'+i%26)), 500))
		want = append(want, m)
		h.Broadcast([]string{"a", "b"}[i/1000], []byte(m))
		if i%7 == 0 {
			h.Flush()
		}
		if i%7 == 3 {
			s.Send(wire.TextFrame(m))
			fc.frameUntil(t, i)
		}
	}
	h.Flush()
	seen := map[string]int{}
	for range 2000 + 286 {
		_, m, err := c.frame()
		if err != nil {
			t.Fatal(err)
		}
		seen[m]++
	}
	for i, m := range want {
		n := 1
		if i%7 == 3 {
			n = 2
		}
		if seen[m] != n {
			t.Fatalf("%.10q came %d times, want %d", m, seen[m], n)
		}
	}
}

// frameUntil keeps a client's kernel buffer from filling: it reads what is there.
func (c *client) frameUntil(t *testing.T, i int) {
	t.Helper()
	for {
		_, m, err := c.frame()
		if err != nil {
			t.Fatal(err)
		}
		if m[:6] >= fmt.Sprintf("%06d", i-i%7) {
			return
		}
	}
}

func TestSetSource(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	sc, _ := tcpPair(t, false)
	s := h.Attach(sc, Meta{})
	h.Subscribe(s, "a", text(""))
	h.Subscribe(s, "b", text(""))
	h.Unsubscribe(s, "b", text(""))
	src := newSource(t)
	h.SetSource(src)
	h.Subscribe(s, "c", text(""))
	s.Detach()
	slices.Sort(src.log)
	if got := strings.Join(src.log, " "); got != "+a +c -a -c" {
		t.Errorf("the source was asked %q", got)
	}
	if h.Subscribe(s, "d", text("")) {
		t.Error("a detached socket can subscribe")
	}
}
