package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// maxBatch is how many calls go into one pipeline, where not one caller
	// brings more.
	maxBatch = 256
	// maxTrips is how many pipelines are under way at a time. One that hangs
	// must not hold up all others; many would hold nothing that could be merged.
	maxTrips = 2
	// maxQueued is how many callers wait for a pipeline.
	maxQueued = 16384
)

// errBusy: too many callers wait for Redis.
var errBusy = errors.New("session: too many calls wait for redis")

// batcher puts calls of different callers into one pipeline, so that a storm of
// logins costs a system call or two for dozens of them. It adds no delay: what
// comes while all trips are under way goes with the next one. It is safe for
// concurrent use.
type batcher struct {
	rdb redis.Cmdable

	mu     sync.Mutex
	queue  []*trip // at most maxQueued
	flying int     // at most maxTrips
}

// trip is one caller's calls, which stay together and in order.
type trip struct {
	calls    []call
	deadline time.Time   // zero: none
	left     atomic.Bool // the caller waits no more
	done     chan struct{}

	// Set before done is closed.

	cmds []*redis.Cmd
	err  error
}

// do runs calls in order, in one round trip, and returns what came of each. The
// error is the context's, or errBusy: then they may have run, or not.
func (b *batcher) do(ctx context.Context, calls []call) ([]*redis.Cmd, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t := &trip{calls: calls, done: make(chan struct{})}
	t.deadline, _ = ctx.Deadline()
	b.mu.Lock()
	if len(b.queue) >= maxQueued {
		b.mu.Unlock()
		return nil, errBusy
	}
	b.queue = append(b.queue, t)
	start := b.flying < maxTrips
	if start {
		b.flying++
	}
	b.mu.Unlock()
	if start {
		go b.fly()
	}
	select {
	case <-t.done:
		return t.cmds, t.err
	case <-ctx.Done():
		t.left.Store(true)
		return nil, ctx.Err()
	}
}

// fly makes trips until nobody waits.
func (b *batcher) fly() {
	for {
		ts := b.next()
		if len(ts) == 0 {
			return
		}
		b.run(ts)
	}
}

// next takes the callers of one pipeline, none where nobody waits: then the
// goroutine must end. Who has left in the queue is forgotten: a claim that was
// answered with an error must not displace anybody seconds later.
func (b *batcher) next() []*trip {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ts []*trip
	taken, calls := 0, 0
	for _, t := range b.queue {
		if len(ts) > 0 && calls+len(t.calls) > maxBatch {
			break
		}
		taken++
		if !t.left.Load() {
			ts = append(ts, t)
			calls += len(t.calls)
		}
	}
	b.queue = slices.Delete(b.queue, 0, taken)
	if len(ts) == 0 {
		b.queue = nil // a storm's array is not kept
		b.flying--
	}
	return ts
}

// run makes one round trip. It lasts as long as the most patient of its callers.
func (b *batcher) run(ts []*trip) {
	defer func() {
		if p := recover(); p != nil {
			for _, t := range ts {
				t.err = fmt.Errorf("session: %T while calling redis", p)
			}
		}
		for _, t := range ts {
			close(t.done)
		}
	}()
	ctx, last := context.Background(), time.Time{}
	for _, t := range ts {
		if t.deadline.IsZero() {
			last = t.deadline
			break
		}
		if t.deadline.After(last) {
			last = t.deadline
		}
	}
	if !last.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, last)
		defer cancel()
	}
	pipe := b.rdb.Pipeline()
	for _, t := range ts {
		t.cmds = make([]*redis.Cmd, len(t.calls))
		for i, c := range t.calls {
			if c.script != nil {
				t.cmds[i] = pipe.EvalSha(ctx, c.script.sha, c.keys, c.args...)
			} else {
				t.cmds[i] = pipe.Do(ctx, c.args...)
			}
		}
	}
	// Each command has its own error; that of Exec is the first of them.
	_, _ = pipe.Exec(ctx)
}
