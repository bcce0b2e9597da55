package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/proctest"
)

// turnstile is a hook that holds pipelines up until they are let through, and
// counts them.
type turnstile struct {
	mu    sync.Mutex
	sizes []int
	held  chan struct{} // one for each that has come
	pass  chan struct{} // closed: all may pass
}

func (*turnstile) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (*turnstile) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (s *turnstile) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if n := cmds[0].Name(); n == "hello" || n == "select" || n == "client" {
			return next(ctx, cmds) // go-redis' own, of a new connection
		}
		s.mu.Lock()
		s.sizes = append(s.sizes, len(cmds))
		s.mu.Unlock()
		s.held <- struct{}{}
		<-s.pass
		return next(ctx, cmds)
	}
}

func (s *turnstile) trips() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sizes
}

func newBatcher(t *testing.T) (*batcher, *turnstile) {
	t.Helper()
	rdb := open(t, proctest.Redis(t), nil)
	s := &turnstile{held: make(chan struct{}, 100), pass: make(chan struct{})}
	rdb.AddHook(s)
	return &batcher{rdb: rdb}, s
}

func (b *batcher) waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queue)
}

func echo(s string) []call { return []call{{args: []any{"ECHO", s}}, {args: []any{"ECHO", s + s}}} }

func TestBatchMergesWhatWaits(t *testing.T) {
	t.Parallel()
	b, s := newBatcher(t)
	var wg sync.WaitGroup
	ask := func(i int) {
		wg.Go(func() {
			text := fmt.Sprint(i)
			cmds, err := b.do(context.Background(), echo(text))
			if err != nil {
				t.Error(err)
				return
			}
			for k, want := range []string{text, text + text} {
				if got, err := cmds[k].Text(); got != want || err != nil {
					t.Errorf("answer %d to %s: %q, %v", k, text, got, err)
				}
			}
		})
	}
	for i := range maxTrips {
		ask(i)
		<-s.held
	}
	const many = maxBatch // two calls each: two pipelines full
	for i := range many {
		ask(100 + i)
	}
	proctest.Eventually(t, 5*time.Second, func() bool { return b.waiting() == many }, "all wait")
	close(s.pass)
	wg.Wait()
	if got := s.trips(); len(got) != maxTrips+2 || got[maxTrips] != maxBatch {
		t.Fatalf("pipelines of %v calls, want %d single ones and 2 of %d", got, maxTrips, maxBatch)
	}
	proctest.Eventually(t, 5*time.Second, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.flying == 0
	}, "no trip is under way")
}

// A claim whose caller was answered with an error must not displace anybody later.
func TestBatchForgetsWhoLeft(t *testing.T) {
	t.Parallel()
	b, s := newBatcher(t)
	var wg sync.WaitGroup
	for range maxTrips {
		wg.Go(func() { _, _ = b.do(context.Background(), echo("x")) })
		<-s.held
	}
	ctx, cancel := context.WithCancel(context.Background())
	left := make(chan error)
	go func() {
		_, err := b.do(ctx, []call{{args: []any{"SET", "late", "1"}}})
		left <- err
	}()
	proctest.Eventually(t, 5*time.Second, func() bool { return b.waiting() == 1 }, "one waits")
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	close(s.pass)
	wg.Wait()
	cmds, err := b.do(context.Background(), []call{{args: []any{"EXISTS", "late"}}})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := cmds[0].Int(); n != 0 || err != nil {
		t.Fatalf("EXISTS: %d, %v: the call was made all the same", n, err)
	}
}

func TestBatchIsBounded(t *testing.T) {
	t.Parallel()
	b := &batcher{flying: maxTrips, queue: make([]*trip, maxQueued)}
	if _, err := b.do(context.Background(), echo("x")); !errors.Is(err, errBusy) {
		t.Fatalf("error %v, want errBusy", err)
	}
}

// A pipeline lasts as long as the most patient of its callers.
func TestBatchKeepsDeadlines(t *testing.T) {
	t.Parallel()
	b, s := newBatcher(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := b.do(ctx, echo("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("error %v, want context.DeadlineExceeded", err)
	}
	close(s.pass)
}

// A socket of a login that nobody has met costs two round trips, not three.
func TestUnmetClaimIsOneTrip(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	n.mustLive(t, Claim{Login: w.login("alice", "one")}) // the scripts are loaded
	s := &turnstile{held: make(chan struct{}, 100), pass: make(chan struct{})}
	close(s.pass)
	w.rdb.AddHook(s)
	l := w.login("bob", "one")
	want(t, "unmet", n.lookup(t, l.Token), Unknown, "")
	n.mustLive(t, Claim{Login: l, Unmet: true})
	if got := s.trips(); len(got) != 2 {
		t.Fatalf("%d round trips of %v calls, want 2", len(got), got)
	}
	want(t, "claimed", w.node().lookup(t, l.Token), Live, "")
}
