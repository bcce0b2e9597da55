package pubsub_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/pubsub"
)

// What is published after Await arrives, and only then it returns.
func TestAwait(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	r := newRecord()
	l := link(t, s, r, pubsub.Options{})
	c := client(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for i := range 200 {
		name := fmt.Sprintf("c%d", i)
		l.Subscribe(name)
		if err := l.Await(ctx, name); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Publish(ctx, name, "x").Result(); err != nil || n != 1 {
			t.Fatalf("%s has %d subscribers: %v", name, n, err)
		}
	}
	proctest.Eventually(t, 10*time.Second, r.has("c199=x"), "the last message arrives")
	if err := l.Await(ctx, "c0"); err != nil {
		t.Errorf("a live channel: %v", err)
	}
	l.Unsubscribe("c0")
	for _, name := range []string{"c0", "never"} {
		if err := l.Await(ctx, name); !errors.Is(err, pubsub.ErrNotAsked) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.CLI("ACL", "SETUSER", "default", "resetchannels", "&c*")
	l.Subscribe("forbidden")
	if err := l.Await(ctx, "forbidden"); !errors.Is(err, pubsub.ErrRefused) {
		t.Errorf("a forbidden channel: %v", err)
	}
}

func TestAwaitInAnOutage(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	r := newRecord()
	l := link(t, s, r, pubsub.Options{})
	s.Kill()
	await(t, r.downs, "down")
	l.Subscribe("a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Await(ctx, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Await(t.Context(), "a") }()
	s.Start()
	if err := await(t, done, "live"); err != nil {
		t.Error(err)
	}
	if got := r.count("gap a"); got != 1 {
		t.Errorf("%d gaps were told before Await returned, want 1", got)
	}
}
