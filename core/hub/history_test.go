package hub

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsgate/wsgate/core/pubsub/history"
	"github.com/wsgate/wsgate/core/wire"
)

// numbered encodes a message with its place.
type numbered struct{}

func (numbered) Append(dst []byte, m *Message) []byte {
	return wire.AppendText(dst, fmt.Appendf(nil, "%s %d %s", m.Channel, m.Offset, m.Payload))
}

// replay is a first of SubscribeFrom that tells everything.
func replay(got *Start) func([]byte, *Start) []byte {
	return func(dst []byte, s *Start) []byte {
		*got = *s
		dst = wire.AppendText(dst, fmt.Appendf(nil, "start %d %v", s.Position.Offset, s.Recovered))
		for i := range s.Missed {
			dst = numbered{}.Append(dst, &s.Missed[i])
		}
		return dst
	}
}

var keep = history.Keep{Messages: 100, For: time.Minute}

func TestSubscribeFrom(t *testing.T) {
	t.Parallel()
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := newSource(t)
			h := newHub(t, Options{Source: src})
			sub := func(f From) (*Socket, *client, Start) {
				sc, c := tcpPair(t, false)
				s := h.Attach(kind(sc), Meta{})
				c.reads(s)
				var got Start
				if !h.SubscribeFrom(s, "a", numbered{}, f, replay(&got)) {
					t.Fatal("not new")
				}
				return s, c, got
			}
			s, c, begin := sub(From{Keep: keep})
			c.expect("start 0 false")
			if begin.Position.Epoch == "" {
				t.Error("no epoch")
			}
			h.Broadcast("a", []byte("x"))
			h.Flush()
			h.Broadcast("a", []byte("y")) // is not flushed, and the next client must not get it twice
			_, c2, at := sub(From{Keep: keep, Since: begin.Position})
			c2.expect("start 2 true", "a 1 x", "a 2 y")
			c.expect("a 1 x", "a 2 y")
			h.Broadcast("a", []byte("z"))
			h.Flush()
			c.expect("a 3 z")
			c2.expect("a 3 z")
			_, c3, _ := sub(From{Keep: history.Keep{Messages: 1, For: time.Second}, Last: true})
			c3.expect("start 3 false", "a 3 z")
			_, c4, _ := sub(From{Keep: keep, Since: history.Position{Epoch: "gone", Offset: 1}, Last: true})
			c4.expect("start 3 false", "a 3 z")
			// Only another's rule keeps it.
			_, c5, none := sub(From{Since: begin.Position, Last: true})
			c5.expect("start 0 false")
			if none.Position.Epoch != "" {
				t.Error("a subscription without a history has a position")
			}
			if at.Position.Epoch != begin.Position.Epoch {
				t.Error("the epoch changed")
			}
			if h.SubscribeFrom(s, "a", numbered{}, From{}, func([]byte, *Start) []byte { t.Error("called"); return nil }) {
				t.Error("again is new")
			}
		})
	}
}

// A channel's history goes on while nobody listens, on one subscription of the source.
func TestHistoryGoesOnWithoutListeners(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := newSource(t)
		h := New(Options{Source: src})
		defer h.Close()
		conn := &sunk{}
		s := h.Attach(conn, Meta{Ping: time.Hour})
		var begin, got Start
		h.SubscribeFrom(s, "a", numbered{}, From{Keep: keep}, replay(&begin))
		h.Unsubscribe(s, "a", numbered{})
		h.Broadcast("a", []byte("x"))
		time.Sleep(keep.For - time.Second)
		h.SubscribeFrom(s, "a", numbered{}, From{Keep: keep, Since: begin.Position}, replay(&got))
		if !got.Recovered || len(got.Missed) != 1 || strings.Join(src.log, " ") != "+a" {
			t.Errorf("%+v, the source was asked %v", got, src.log)
		}
		h.Unsubscribe(s, "a", numbered{})
		if st := h.History(); st.Rings != 1 || st.Messages != 1 {
			t.Errorf("%+v", st)
		}
		other := newSource(t)
		h.SetSource(other)
		time.Sleep(keep.For + 2*time.Second)
		if st := h.History(); st.Rings != 0 || strings.Join(other.log, " ") != "+a -a" {
			t.Errorf("%+v, the source was asked %v", st, other.log)
		}
		h.Subscribe(s, "a", numbered{})
		h.Broadcast("a", []byte("y"))
		h.Flush()
		synctest.Wait()
		if got := string(conn.got); !strings.HasSuffix(got, "a 0 y") {
			t.Errorf("%q", got)
		}
	})
}

// Sockets that come and go amid the messages, and come back from where they were, get
// each message once and in order.
func TestEachMessageOnce(t *testing.T) {
	t.Parallel()
	const total, listeners = 3000, 8
	h := newHub(t, Options{})
	var wg sync.WaitGroup
	keep := history.Keep{Messages: total, For: time.Hour}
	var first sync.WaitGroup
	first.Add(listeners)
	wg.Go(func() {
		first.Wait()
		for i := range total {
			h.Broadcast("a", fmt.Append(nil, i+1))
			if i%3 == 0 {
				h.Flush()
			}
		}
		h.Flush()
	})
	for range listeners {
		wg.Go(func() {
			var pos history.Position
			for begun := false; pos.Offset < total; {
				sc, c := tcpPair(t, false)
				s := h.Attach(sc, Meta{Queue: 64 << 20})
				h.SubscribeFrom(s, "a", numbered{}, From{Keep: keep, Since: pos}, func(dst []byte, st *Start) []byte {
					if begun && !st.Recovered {
						t.Errorf("not recovered from %+v", pos)
					}
					pos.Epoch = st.Position.Epoch
					return replayOnly(dst, st)
				})
				if !begun {
					begun = true
					first.Done()
				}
				for range 100 {
					if pos.Offset == total {
						break
					}
					_, got, err := c.frame()
					if want := fmt.Sprintf("a %d %d", pos.Offset+1, pos.Offset+1); got != want || err != nil {
						t.Errorf("got %q, %v; want %q", got, err, want)
						return
					}
					pos.Offset++
				}
				s.Detach()
				c.Close()
			}
		})
	}
	wg.Wait()
}

func replayOnly(dst []byte, st *Start) []byte {
	for i := range st.Missed {
		dst = numbered{}.Append(dst, &st.Missed[i])
	}
	return dst
}

func TestFirstFramesRespectTheQueue(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	big := strings.Repeat("x", 300_000)
	keep := history.Keep{Messages: 100, For: time.Hour}
	sc, _ := tcpPair(t, false)
	s := h.Attach(sc, Meta{Queue: 1 << 10})
	var begin Start
	h.SubscribeFrom(s, "a", numbered{}, From{Keep: keep}, replay(&begin))
	h.Unsubscribe(s, "a", numbered{})
	for range 10 {
		h.Broadcast("a", []byte(big))
	}
	stuck, _ := tcpPair(t, true)
	slow := h.Attach(stuck, Meta{Queue: 1 << 10})
	h.SubscribeFrom(slow, "a", numbered{}, From{Keep: keep, Since: begin.Position}, replayOnly)
	if slow.Closed() {
		t.Error("the first frames are one message, which may always wait")
	}
	h.Broadcast("a", []byte(big))
	h.Flush()
	if !slow.Closed() || h.Stats().Slow != 1 {
		t.Error("a slow consumer was not cut off")
	}
}
