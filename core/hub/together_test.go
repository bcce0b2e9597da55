package hub

import (
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/pubsub/history"
)

func TestSubscribeTogether(t *testing.T) {
	t.Parallel()
	src := newSource(t)
	h := newHub(t, Options{Source: src})
	keep := history.Keep{Messages: 3, For: time.Hour}
	sc, c := tcpPair(t, false)
	s := h.Attach(sc, Meta{})
	c.reads(s)
	h.Hold("a") // as one who waits for it would
	wishes := []Wish{{"a", text("a"), From{}}, {"b", text("b"), From{Keep: keep}}}
	first := func(dst []byte, starts []Start) []byte {
		if len(starts) != 2 || starts[0].Position.Epoch != "" || starts[1].Position.Epoch == "" {
			t.Errorf("%+v", starts)
		}
		return text("").Append(dst, &Message{Payload: []byte("first")})
	}
	if !h.SubscribeTogether(s, wishes, first) {
		t.Error("not subscribed")
	}
	h.Release("a")
	h.Broadcast("b", []byte("1"))
	h.Broadcast("a", []byte("2"))
	h.Flush()
	c.expect("first", "b1", "a2")
	if got := strings.Join(src.log, " "); got != "+a +b" {
		t.Errorf("the source was asked %q", got)
	}
	past, at, ok := h.Past("b", history.Position{}, 9, false)
	if len(past) != 1 || string(past[0].Payload) != "1" || at.Offset != 1 || !ok {
		t.Errorf("%v, %v, %v", past, at, ok)
	}
	if _, _, ok := h.Past("a", history.Position{}, 9, false); ok {
		t.Error("a channel without a history has a past")
	}
	s.Detach()
	if h.SubscribeTogether(s, wishes, first) {
		t.Error("a closed socket is subscribed")
	}
}

// Who must recover or not be subscribed leaves nothing behind.
func TestMustRecover(t *testing.T) {
	t.Parallel()
	src := newSource(t)
	h := newHub(t, Options{Source: src})
	sc, c := tcpPair(t, false)
	s := h.Attach(sc, Meta{})
	c.reads(s)
	no := func(dst []byte, _ *Start) []byte { return text("").Append(dst, &Message{Payload: []byte("no")}) }
	if h.SubscribeFrom(s, "a", text(""), From{Must: true}, no) || s.Channels() != 0 {
		t.Error("subscribed")
	}
	h.Broadcast("a", []byte("nobody's"))
	h.Flush()
	h.Subscribe(s, "a", text(""))
	if h.SubscribeFrom(s, "a", text("x"), From{Must: true}, no) || s.Channels() != 1 {
		t.Error("subscribed beside another")
	}
	h.Broadcast("a", []byte("1"))
	h.Flush()
	c.expect("no", "no", "1")
	if got := strings.Join(src.log, " "); got != "+a -a +a" {
		t.Errorf("the source was asked %q", got)
	}
}
