package hub

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// poisoned is gapper, and panics where it is given poison.
type poisoned struct{ gapper }

const poison = "poison"

func (p poisoned) Append(dst []byte, m *Message) []byte {
	if string(m.Payload) == poison {
		panic(poison)
	}
	return p.gapper.Append(dst, m)
}

func (poisoned) Marks() bool { return true }

func (poisoned) AppendMark([]byte, []Place) []byte { panic(poison) }

// panics says whether f does.
func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

// A panic of an encoder costs the one message, of which everybody is told; the hub goes on.
func TestEncoderPanics(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(h *Hub){
		"in a broadcast": func(h *Hub) { h.Broadcast("a", []byte(poison)) },
		"when a channel settles": func(h *Hub) {
			h.mu.Lock()
			h.unsettled = func(string) {}
			h.unsettle(h.history.Find("a"))
			h.mu.Unlock()
			h.Broadcast("a", []byte(poison)) // is held
			h.Settle(h.Unsettled([]string{"a"})[0], nil, nil)
			h.Settle(h.Unsettled([]string{"a"})[0], nil, nil) // the gap unsettled it again
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t, Options{})
			var log strings.Builder
			h.log = slog.New(slog.NewTextHandler(&log, nil))
			var cs []*client
			for _, enc := range []Encoder{poisoned{gapper{stay: true}}, numbered{}} {
				sc, c := tcpPair(t, false)
				s := h.Attach(sc, Meta{})
				h.SubscribeFrom(s, "a", enc, From{Keep: keep}, nil)
				cs = append(cs, c)
			}
			h.Broadcast("a", []byte("x"))
			h.Flush()
			cs[0].expect("a 1 x")
			cs[1].expect("a 1 x")
			lose(h)
			h.Broadcast("a", []byte("y"))
			h.Flush()
			_, got, err := cs[0].frame()
			if err != nil || !strings.HasPrefix(got, "gap a") {
				t.Fatalf("got %q, %v; want a gap", got, err)
			}
			_, got, err = cs[0].frame()
			if strings.HasPrefix(got, "gap a") { // once more when it settled
				_, got, err = cs[0].frame()
			}
			if err != nil || !strings.HasSuffix(got, " y") {
				t.Errorf("got %q, %v; want y", got, err)
			}
			for _, want := range []string{poison, "y"} { // its encoder has no trouble
				if _, got, err := cs[1].frame(); err != nil || !strings.HasSuffix(got, " "+want) {
					t.Errorf("got %q, %v; want %s", got, err, want)
				}
			}
			if got := log.String(); strings.Count(got, "panic in the hub") != 1 {
				t.Errorf("log %q, want one line", got)
			}
		})
	}
}

// One that can't say where a client is says nothing.
func TestMarkerPanics(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	sc, c := tcpPair(t, false)
	s := h.Attach(sc, Meta{})
	enc := poisoned{gapper{stay: true}}
	h.SubscribeFrom(s, "a", enc, From{Keep: keep}, nil)
	h.Mark(s, enc)
	for i := range 3 {
		h.Broadcast("a", []byte("x"))
		h.Flush()
		c.expect(fmt.Sprintf("a %d x", i+1))
	}
}

// A panic in the first frames of a subscription is the caller's, and leaves nothing behind
// but the place where the client is.
func TestFirstFramesPanic(t *testing.T) {
	t.Parallel()
	src := newSource(t)
	h := newHub(t, Options{Source: src})
	sc, c := tcpPair(t, false)
	s := h.Attach(sc, Meta{Login: login(1)})
	resume := From{Keep: keep, Resume: time.Minute}
	if !panics(func() {
		h.SubscribeFrom(s, "a", numbered{}, resume, func([]byte, *Start) []byte { panic(poison) })
	}) {
		t.Error("the caller does not learn of it")
	}
	if !panics(func() {
		wishes := []Wish{{Channel: "b", Encoder: numbered{}}, {Channel: "b", Encoder: numbered{}}, {Channel: "c", Encoder: numbered{}}}
		h.SubscribeTogether(s, wishes, func([]byte, []Start) []byte { panic(poison) })
	}) {
		t.Error("the caller does not learn of it")
	}
	h.mu.Lock()
	if len(h.channels) > 0 {
		t.Errorf("%d channels are left", len(h.channels))
	}
	h.mu.Unlock()
	h.Broadcast("a", []byte("missed"))
	c.reads(s)
	var got Start
	h.SubscribeFrom(s, "a", numbered{}, resume, replay(&got))
	c.expect("start 1 true", "a 1 missed")
}
