package pubsub_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/pubsub"
)

func TestKilledAndEmptyRedisHealsByItself(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	r := newRecord()
	l := link(t, s, r, pubsub.Options{})
	l.Subscribe("a")
	l.Subscribe("b")
	subscribed(t, s, 2)
	s.CLI("PUBLISH", "a", "1")
	proctest.Eventually(t, 5*time.Second, r.has("a=1"), "the first message arrives")

	s.Kill()
	await(t, r.downs, "down")
	if l.Ready() {
		t.Error("ready without a connection")
	}
	proctest.Eventually(t, 5*time.Second, r.has("gap a b"), "the loss is told at once")
	l.Subscribe("c")
	l.Subscribe("d")
	l.Unsubscribe("d")
	l.Unsubscribe("b")
	s.Start()
	begin := time.Now()
	await(t, r.ups, "up again")
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("the link took %v", d)
	}
	if !l.Ready() {
		t.Error("not ready after up")
	}
	s.CLI("PUBLISH", "a", "2")
	s.CLI("PUBLISH", "b", "2")
	s.CLI("PUBLISH", "d", "2")
	s.CLI("PUBLISH", "c", "2")
	proctest.Eventually(t, 5*time.Second, r.has("c=2"), "a channel asked for meanwhile delivers")
	got := r.all()
	want := []string{"up", "a=1", "down", "gap a b", "gap a c", "up", "a=2", "c=2"}
	if i := slices.Index(got, "gap c a"); i >= 0 {
		got[i] = "gap a c"
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
}

func TestStoppedRedisIsNoticed(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	r := newRecord()
	l := link(t, s, r, pubsub.Options{})
	l.Subscribe("a")
	subscribed(t, s, 1)
	s.Pause()
	begin := time.Now()
	err := await(t, r.downs, "down")
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("noticed after %v", d)
	}
	if !strings.Contains(err.Error(), "no sign of life") {
		t.Errorf("reason: %v", err)
	}
	s.Resume()
	await(t, r.ups, "up again")
	s.CLI("PUBLISH", "a", "2")
	proctest.Eventually(t, 5*time.Second, r.has("a=2"), "delivery goes on")
}

func TestQuietLinkStaysUp(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	r := newRecord()
	l := link(t, s, r, pubsub.Options{Ping: 10 * time.Millisecond, Pong: 10 * time.Second})
	l.Subscribe("a")
	before := calls(s, "ping")
	proctest.Eventually(t, 10*time.Second, func() bool { return calls(s, "ping") > before+20 }, "the link pings")
	if !l.Ready() || len(r.downs) > 0 {
		t.Fatalf("a quiet link broke: %q", r.all())
	}
}

func TestWorksWhileDown(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	s.Kill()
	r := newRecord()
	l := pubsub.New(open(t, s.URL()), r.handler(), pubsub.Options{})
	t.Cleanup(l.Close)
	await(t, r.downs, "down")
	for i := range 1000 {
		l.Subscribe(fmt.Sprint(i))
		l.Subscribe(fmt.Sprint(i))
		if i > 0 {
			l.Unsubscribe(fmt.Sprint(i))
		}
	}
	s.Start()
	await(t, r.ups, "up")
	if got := s.CLI("PUBSUB", "CHANNELS"); got != "0" {
		t.Fatalf("channels %q, want 0 alone", got)
	}
	if len(r.downs) > 0 {
		t.Error("one outage was told more than once")
	}
}

func TestCloseWhileDownAndWhileConnecting(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	s.Pause()
	r := newRecord()
	l := pubsub.New(open(t, s.URL()), r.handler(), pubsub.Options{})
	begin := time.Now()
	l.Close()
	l.Close()
	l.Subscribe("a")
	if d := time.Since(begin); d > 10*time.Second {
		t.Fatalf("Close took %v", d)
	}
	s.Resume()
}

func TestNoClientKeepsTheLinkDown(t *testing.T) {
	t.Parallel()
	r := newRecord()
	l := pubsub.New(func(pubsub.DialWrap) *redis.Client { return nil }, r.handler(), pubsub.Options{})
	defer l.Close()
	l.Subscribe("a")
	if err := await(t, r.downs, "down"); !strings.Contains(err.Error(), "no redis client") {
		t.Fatalf("got %v", err)
	}
}

func TestReplacingLinkTellsTheGap(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	for _, replaces := range []bool{false, true} {
		s.Pause() // so that a is there before the link is up
		r := newRecord()
		l := pubsub.New(open(t, s.URL()), r.handler(), pubsub.Options{Replaces: replaces})
		l.Subscribe("a")
		s.Resume()
		await(t, r.ups, "up")
		l.Subscribe("b")
		subscribed(t, s, 2)
		l.Close()
		if got := r.count("gap a") == 1; got != replaces && r.count("down") == 0 {
			t.Errorf("replaces %v: %q", replaces, r.all())
		}
		if r.count("gap b") > 0 {
			t.Errorf("replaces %v: %q", replaces, r.all())
		}
		subscribed(t, s, 0)
	}
}

func TestClientWithoutWrapperIsAnError(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	r := newRecord()
	l := pubsub.New(func(pubsub.DialWrap) *redis.Client { return redis.NewClient(&redis.Options{Addr: s.Addr()}) },
		r.handler(), pubsub.Options{})
	t.Cleanup(l.Close)
	if err := await(t, r.downs, "down"); !strings.Contains(err.Error(), "dial wrapper") {
		t.Fatalf("got %v", err)
	}
}
