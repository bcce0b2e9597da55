package hub

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsgate/wsgate/core/wire"
)

// pass lets time go by on synctest's clock.
func pass(d time.Duration) { <-time.After(d) }

// pipe is a socket over an in-memory connection, which synctest understands, and
// its client.
func pipe(t *testing.T, h *Hub, m Meta) (*Socket, *client) {
	t.Helper()
	sc, cc := net.Pipe()
	t.Cleanup(func() { cc.Close() })
	return h.Attach(sc, m), newClient(t, cc)
}

// answers reads everything that comes; pings are answered if alive. It returns
// when the connection ends: how many pings there were, and the close frame.
func (c *client) answers(s *Socket, alive bool) (pings int, last string) {
	for {
		op, m, err := c.frame()
		switch {
		case err != nil:
			return pings, last
		case op == wire.OpPing:
			pings++
			if alive {
				s.Seen()
			}
		case op == wire.OpClose:
			last = m
			s.Detach()
		}
	}
}

func TestSilentClientsAreClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		s, c := pipe(t, h, Meta{Ping: 10 * time.Second})
		begin := time.Now()
		pings, last := c.answers(s, false)
		if pings != 2 || last != "1001 no answer to pings" {
			t.Errorf("%d pings, then %q", pings, last)
		}
		// Attached counts as a sign of life; the first ping comes after 5 to 10 s.
		if d := time.Since(begin); d < 24*time.Second || d > 31*time.Second {
			t.Errorf("closed after %v", d)
		}
		if h.Stats().Silent != 1 {
			t.Errorf("%+v", h.Stats())
		}
	})
}

func TestLivingClientsStay(t *testing.T) {
	t.Parallel()
	for _, every := range []time.Duration{100 * time.Millisecond, DefaultPing, 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			h := newHub(t, Options{})
			s, c := pipe(t, h, Meta{Ping: every})
			end := time.AfterFunc(200*max(every, tick), func() { s.Close(wire.CloseNormal, "") })
			defer end.Stop()
			pings, last := c.answers(s, true)
			if last != "1000 " || pings < 199 || pings > 201 {
				t.Errorf("every %v: %d pings in 200 intervals; closed with %q", every, pings, last)
			}
		})
	}
}

func TestFirstPingsAreSpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		for range 1000 {
			pipe(t, h, Meta{Ping: 20 * time.Second})
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		for i, slot := range h.wheel.slots {
			if len(slot) > 100 {
				t.Errorf("%d of 1000 first pings in slot %d", len(slot), i)
			}
		}
	})
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{-time.Second, 0, time.Millisecond, 90 * time.Second, 2 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			expired := make(chan time.Time, 10)
			h := newHub(t, Options{OnExpire: func(s *Socket) { expired <- time.Now() }})
			at := time.Now().Add(after)
			s, c := pipe(t, h, Meta{Expires: at})
			go c.answers(s, true)
			late := (<-expired).Sub(at)
			if late < 0 || late > tick-min(0, after) {
				t.Errorf("an expiry in %v was told %v late", after, late)
			}
			pass(time.Hour)
			if len(expired) != 0 {
				t.Error("told twice")
			}
		})
	}
}

func TestExpiryByDefaultCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		s, c := pipe(t, h, Meta{Expires: time.Now().Add(time.Minute)})
		if _, last := c.answers(s, true); last != "4504 token expired" {
			t.Errorf("closed with %q", last)
		}
	})
}

func TestSetExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		expired := make(chan time.Time, 10)
		h := newHub(t, Options{OnExpire: func(s *Socket) { expired <- time.Now() }})
		begin := time.Now()
		s, c := pipe(t, h, Meta{Expires: begin.Add(time.Minute)})
		go c.answers(s, true)
		s.SetExpires(begin.Add(time.Hour))
		pass(59 * time.Minute)
		if len(expired) != 0 {
			t.Error("the old expiry held")
		}
		s.SetExpires(begin.Add(59*time.Minute + 10*time.Second))
		if d := (<-expired).Sub(begin); d > 59*time.Minute+11*time.Second {
			t.Errorf("told after %v", d)
		}
		s.SetExpires(time.Now().Add(time.Minute))
		s.SetExpires(time.Time{})
		pass(time.Hour)
		if len(expired) != 0 {
			t.Error("an expiry that was taken back held")
		}
		s.Close(wire.CloseNormal, "")
		s.SetExpires(time.Now()) // of a socket that has left: nothing
	})
}

// A client that sends signs of life but takes nothing holds a goroutine for two
// pings, not for ever.
func TestStuckWriterEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		s, _ := pipe(t, h, Meta{Ping: 10 * time.Second})
		begin := time.Now()
		s.Send(wire.TextFrame("never read"))
		for h.Count() > 0 {
			s.Seen()
			pass(time.Second)
		}
		if d := time.Since(begin); d > 45*time.Second {
			t.Errorf("ended after %v", d)
		}
	})
}

// A client that takes its backlog slowly, and can't answer pings that wait behind
// it, lives.
func TestSlowButReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		s, c := pipe(t, h, Meta{Ping: 10 * time.Second, Queue: 1 << 20})
		s.Send(wire.TextFrame(strings.Repeat("x", 50*round)))
		b := make([]byte, round)
		for i := range 50 {
			for n := 0; n < round; {
				m, err := c.Read(b[n:])
				if err != nil {
					t.Fatalf("after %d rounds: %v", i, err)
				}
				n += m
			}
			pass(15 * time.Second)
		}
	})
}

func TestDrain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		sockets  int
		over     time.Duration
		min, max time.Duration
	}{
		{sockets: 600, over: 2 * time.Second, min: 1900 * time.Millisecond, max: 2100 * time.Millisecond},
		{sockets: 600, over: 0, max: 100 * time.Millisecond},
		// Few need no spreading: 200 come back in a second.
		{sockets: 100, over: 10 * time.Second, min: 400 * time.Millisecond, max: 600 * time.Millisecond},
		{sockets: 1, over: 10 * time.Second, max: 100 * time.Millisecond},
	} {
		t.Run(fmt.Sprintf("%d over %v", tt.sockets, tt.over), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { drained(t, tt.sockets, tt.over, tt.min, tt.max) })
		})
	}
}

func drained(t *testing.T, sockets int, over, least, most time.Duration) {
	h := newHub(t, Options{})
	times := make(chan time.Duration, sockets)
	begin := time.Now()
	for range sockets {
		s, c := pipe(t, h, Meta{})
		go func() {
			if _, last := c.answers(s, true); last != "1012 server restarting" {
				t.Errorf("closed with %q", last)
			}
			times <- time.Since(begin)
		}()
	}
	h.Drain(t.Context(), over, wire.CloseRestarting)
	if d := time.Since(begin); h.Count() != 0 || d < least || d > most {
		t.Errorf("%d left after %v, want none after %v to %v", h.Count(), d, least, most)
	}
	parts := map[int]int{}
	for range sockets {
		parts[int(<-times*10/max(most, 1))]++
	}
	for i, n := range parts {
		if least > 0 && n > sockets/10+sockets/20 {
			t.Errorf("%d of %d closes in tenth %d", n, sockets, i)
		}
	}
}

func TestDrainIsCutShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		for range 10 {
			s, c := pipe(t, h, Meta{})
			go c.answers(s, true)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		h.Drain(ctx, time.Hour, wire.CloseGoingAway)
		if d := time.Since(begin); d > 2*time.Second {
			t.Errorf("took %v", d)
		}
		synctest.Wait()
		if n := h.Count(); n != 0 {
			t.Errorf("%d left", n)
		}
		h.Drain(t.Context(), 0, wire.CloseGoingAway) // of nothing: returns
	})
}

// A panic in a callback is logged and the wheel goes on.
func TestWheelSurvivesPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int32
		h := newHub(t, Options{OnExpire: func(*Socket) { told.Add(1); panic("boom") }})
		for i := range 4 {
			pipe(t, h, Meta{Expires: time.Now().Add(time.Duration(i/2) * time.Second)})
		}
		pass(10 * time.Second)
		if n := told.Load(); n != 4 {
			t.Errorf("%d of 4 expiries were told", n)
		}
	})
}

// The wheel's own invariants, through any order of operations.
func (w *wheel) check() error {
	for i, slot := range w.slots {
		for j, s := range slot {
			if s == nil || !s.place.on || int(s.place.slot) != i || int(s.place.index) != j {
				return fmt.Errorf("slot %d holds %v at %d", i, s, j)
			}
		}
	}
	return nil
}
