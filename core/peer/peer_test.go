package peer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/wsgate/wsgate/core/peer"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/pubsub"
	"github.com/wsgate/wsgate/core/redisconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const control = "wsgate:0:realm:peers"

// node is one node: its link, and all that came over it, in order.
type node struct {
	*peer.Peers
	link *pubsub.Link
	deaf atomic.Bool // hears, but answers nothing
	late atomic.Int32

	mu   sync.Mutex
	seen []string
}

func newNode(tb testing.TB, url, name string) *node {
	tb.Helper()
	open := func(wrap redisconn.DialWrap) *redis.Client {
		c, err := redisconn.OpenLink(redisconn.Config{URLs: []string{url}}, nil, redisconn.Options{WrapDial: wrap})
		if err != nil {
			tb.Fatal(err)
		}
		return c
	}
	rdb := open(nil)
	n := &node{}
	n.Peers = peer.New(rdb, peer.Options{Channel: control, Late: func() { n.late.Add(1) }, Log: slog.New(slog.DiscardHandler)})
	n.Answer("name", func(q peer.Question) []byte {
		n.note("asked " + string(q.Payload))
		return []byte(name)
	})
	n.Answer("broken", func(peer.Question) []byte { panic("broken") })
	n.link = pubsub.New(open, pubsub.Handler{Message: func(channel string, payload []byte) {
		if channel == control && n.deaf.Load() {
			return
		}
		if !n.Handle(channel, payload) {
			n.note(string(payload))
		}
	}}, pubsub.Options{})
	for _, c := range append(n.Channels(), "business") {
		n.link.Subscribe(c)
	}
	tb.Cleanup(func() {
		n.link.Close()
		n.Close()
		_ = rdb.Close()
	})
	proctest.Eventually(tb, 5*time.Second, n.link.Ready, "link is not up")
	return n
}

func (n *node) note(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen = append(n.seen, s)
}

func (n *node) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.seen)
}

func names(a peer.Answers) string {
	var s []string
	for _, p := range a.Payloads {
		s = append(s, string(p))
	}
	slices.Sort(s)
	return strings.Join(s, " ")
}

func ask(tb testing.TB, n *node, kind, payload string, wait time.Duration) peer.Answers {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), wait)
	defer cancel()
	a, err := n.Ask(ctx, kind, []byte(payload))
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func TestEveryNodeAnswers(t *testing.T) {
	t.Parallel()
	url := proctest.Redis(t).URL()
	a, b, c := newNode(t, url, "a"), newNode(t, url, "b"), newNode(t, url, "c")
	got := ask(t, a, "name", "", 5*time.Second)
	if names(got) != "a b c" || !got.Complete || !got.Own {
		t.Errorf("answers %q, %+v", names(got), got)
	}
	if got := ask(t, b, "nonsense", "", 5*time.Second); len(got.Payloads) != 3 || !got.Complete {
		t.Errorf("an unknown kind: %+v, want three empty answers", got)
	}
	if got := ask(t, c, "broken", "", 5*time.Second); len(got.Payloads) != 3 || !got.Complete {
		t.Errorf("a broken answer: %+v, want three empty ones", got)
	}
}

func TestSilentNodeMakesAnswersIncomplete(t *testing.T) {
	t.Parallel()
	url := proctest.Redis(t).URL()
	a, b := newNode(t, url, "a"), newNode(t, url, "b")
	b.deaf.Store(true)
	got := ask(t, a, "name", "", 200*time.Millisecond)
	if names(got) != "a" || got.Complete || !got.Own {
		t.Errorf("answers %q, %+v", names(got), got)
	}
}

func TestNodeWhoseLinkIsDownIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	url := proctest.Redis(t).URL()
	a, b := newNode(t, url, "a"), newNode(t, url, "b")
	b.link.Close()
	proctest.Eventually(t, 5*time.Second, func() bool {
		return names(ask(t, a, "name", "", time.Second)) == "a"
	}, "the closed node still answers")
	if got := ask(t, a, "name", "", 5*time.Second); !got.Complete {
		t.Errorf("answers %+v, want complete ones", got)
	}
	if got := ask(t, b, "name", "", 5*time.Second); names(got) != "" || got.Own {
		t.Errorf("asked without a link of its own: %+v", got)
	}
}

// A question has one place among the business messages, the same on all nodes.
func TestQuestionsHaveOnePlaceInTheOrder(t *testing.T) {
	t.Parallel()
	redis := proctest.Redis(t)
	nodes := []*node{newNode(t, redis.URL(), "a"), newNode(t, redis.URL(), "b"), newNode(t, redis.URL(), "c")}
	const each = 50
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() {
			for k := range each {
				redis.CLI("PUBLISH", "business", fmt.Sprintf("message %d %d", i, k))
				ask(t, n, "name", fmt.Sprintf("%d %d", i, k), 5*time.Second)
			}
		})
	}
	wg.Wait()
	want := nodes[0].all()
	if len(want) != 2*each*len(nodes) {
		t.Fatalf("%d messages and questions, want %d", len(want), 2*each*len(nodes))
	}
	for _, n := range nodes[1:] {
		if got := n.all(); !slices.Equal(got, want) {
			t.Errorf("nodes saw different orders:\n%q\n%q", want, got)
		}
	}
}

func TestOpenQuestionsAreBounded(t *testing.T) {
	t.Parallel()
	url := proctest.Redis(t).URL()
	a, b := newNode(t, url, "a"), newNode(t, url, "b")
	b.deaf.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var busy atomic.Int32
	for range 100 {
		wg.Go(func() {
			if _, err := a.Ask(ctx, "name", nil); errors.Is(err, peer.ErrBusy) {
				busy.Add(1)
			}
		})
	}
	proctest.Eventually(t, 5*time.Second, func() bool { return busy.Load() == 36 }, "want 36 of 100 refused")
	cancel()
	wg.Wait()
	a.Close()
	if _, err := a.Ask(t.Context(), "name", nil); err == nil {
		t.Error("a closed node asked")
	}
}

func TestNonsenseOnTheControlChannelIsIgnored(t *testing.T) {
	t.Parallel()
	redis := proctest.Redis(t)
	a := newNode(t, redis.URL(), "a")
	for _, s := range []string{"", "{", `{"n":"x","i":-1}`, `[]`, `{"k":"name","n":"` + strings.Repeat("x", 100) + `","i":1}`} {
		redis.CLI("PUBLISH", control, s)
		redis.CLI("PUBLISH", a.Channels()[1], s)
	}
	if got := ask(t, a, "name", "", 5*time.Second); names(got) != "a" || !got.Complete {
		t.Errorf("answers %+v", got)
	}
}
