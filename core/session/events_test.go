package session

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"
)

// capture records the control channel. The function returned yields what was
// published since the last call, and waits for what is under way.
func (w *world) capture(tb testing.TB, n *node) func() [][]byte {
	tb.Helper()
	c := w.tap(tb, n)
	tb.Cleanup(c.close)
	return func() [][]byte { return c.next(tb) }
}

// tap takes down the events of a node's realm.
type tap struct {
	w      *world
	ps     *redis.PubSub
	marker string
}

func (w *world) tap(tb failer, n *node) *tap {
	tb.Helper()
	ctx := context.Background()
	c := &tap{w: w, marker: n.EventChannel() + ":marker"}
	c.ps = w.rdb.Subscribe(ctx, n.EventChannel(), c.marker)
	for range 2 {
		if _, err := c.ps.Receive(ctx); err != nil {
			tb.Fatal(err)
		}
	}
	return c
}

func (c *tap) close() { _ = c.ps.Close() }

// next returns what was published since the last call.
func (c *tap) next(tb failer) [][]byte {
	tb.Helper()
	ctx := context.Background()
	insist(tb, func() error { return c.w.rdb.Publish(ctx, c.marker, "").Err() })
	var out [][]byte
	for {
		v, err := c.ps.Receive(ctx)
		if err != nil {
			tb.Fatal(err)
		}
		m, ok := v.(*redis.Message)
		switch {
		case !ok:
		case m.Channel == c.marker:
			return out
		default:
			out = append(out, []byte(m.Payload))
		}
	}
}

// insist repeats what may meet connections that a restart has ended.
func insist(tb failer, do func() error) {
	tb.Helper()
	var err error
	for range 16 {
		if err = do(); err == nil {
			return
		}
	}
	tb.Fatal(err)
}

func (w *world) countEvents(tb testing.TB, n *node) func() int {
	tb.Helper()
	next := w.capture(tb, n)
	return func() int { return len(next()) }
}

func mustRevoke(tb failer, n *node, account string, s Selector) []Verdict {
	tb.Helper()
	vs, err := n.Revoke(context.Background(), account, s, ReasonKicked)
	if err != nil {
		tb.Fatal(err)
	}
	return vs
}

func mustRelease(tb failer, n *node, v Verdict) {
	tb.Helper()
	if err := n.Release(context.Background(), v); err != nil {
		tb.Fatal(err)
	}
}

func TestHandleEventIgnoresRubbish(t *testing.T) {
	t.Parallel()
	n := (&world{realm: "default", key: newKey()}).nodeOn(nil)
	for _, p := range []string{
		"", "null", "[]", "{", `{"t":"claim"}`, `{"a":"short"}`, `{"a":"0123456789012345678901","d":[{}]}`,
		`{"a":"0123456789012345678901","d":[{"i":"x"}]}`, `{"a":"0123456789012345678901","g":"x"}`,
		`{"a":"0123456789012345678901","d":[{"i":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","raw":"{"}]}`,
		string(make([]byte, maxEvent+1)),
	} {
		n.HandleEvent([]byte(p))
	}
	if len(n.hub.told) != 0 {
		t.Fatalf("rubbish was told: %+v", n.hub.told)
	}
}

func FuzzHandleEvent(f *testing.F) {
	f.Add([]byte(`{"t":"claim","a":"0123456789012345678901","d":[{"i":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","raw":"{\"s\":\"x\",\"r\":\"displaced\"}","life":"1000","silence":"0"}],"by":"y"}`))
	f.Add([]byte(`{"a":"0123456789012345678901","g":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`))
	n := (&world{realm: "default", key: newKey()}).nodeOn(nil)
	f.Fuzz(func(t *testing.T, p []byte) {
		n.HandleEvent(p)
		for _, v := range n.hub.told {
			if v.Status != Dead {
				t.Fatalf("told of %v", v.Status)
			}
		}
	})
}
