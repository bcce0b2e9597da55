package peer_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/peer"
	"github.com/wsgate/wsgate/core/proctest"
)

const keptKey = control + ":kept"

func note(tb testing.TB, nodes ...*node) {
	tb.Helper()
	for _, n := range nodes {
		if err := n.Note(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
}

// misses says whether n misses a node when it asks all of them.
func misses(tb testing.TB, n *node) bool {
	tb.Helper()
	return n.Missing(ask(tb, n, "name", "", time.Second), time.Minute)
}

// crash ends a node without a good-bye.
func (n *node) crash() {
	n.Leave()
	n.link.Close()
	n.Close()
}

// older lets so much time go by that no message between nodes takes as long: it is how a
// node tells that another one was there before it.
func older(tb testing.TB) {
	tb.Helper()
	began := time.Now()
	proctest.Eventually(tb, 5*time.Second, func() bool { return time.Since(began) > 500*time.Millisecond }, "time stands still")
}

// back is what a node does when its link is up again.
func (n *node) back() {
	n.Up()
	n.Greet(context.Background())
}

func keptNodes(redis *proctest.RedisServer) []string {
	return strings.Fields(redis.CLI("ZRANGE", keptKey, "0", "-1"))
}

// A node that starts after all others have gone knows who was there.
func TestNoteLearnsOfThoseThatHadGone(t *testing.T) {
	t.Parallel()
	redis := proctest.Redis(t)
	a := newNode(t, redis.URL(), "a")
	note(t, a)
	a.crash()
	b := newNode(t, redis.URL(), "b")
	if misses(t, b) {
		t.Error("b misses somebody before it has asked Redis")
	}
	note(t, b)
	if !misses(t, b) {
		t.Error("b does not miss a, which has crashed")
	}
	if b.Missing(peer.Answers{}, -time.Minute) {
		t.Error("b misses a for longer than it asked for")
	}
}

// One that ends in good order is nobody's loss.
func TestNodeThatSaysGoodByeIsNotKept(t *testing.T) {
	t.Parallel()
	redis := proctest.Redis(t)
	a, b := newNode(t, redis.URL(), "a"), newNode(t, redis.URL(), "b")
	note(t, a, b)
	a.Close()
	if got := keptNodes(redis); len(got) != 1 || got[0] != b.Node() {
		t.Errorf("kept are %q, want b alone", got)
	}
	c := newNode(t, redis.URL(), "c")
	note(t, c)
	a.link.Close()
	if misses(t, c) {
		t.Error("c misses a node that said good-bye")
	}
}

// What Redis has lost, those that are there give back.
func TestNodesAreKeptAgainAfterRedisLostThem(t *testing.T) {
	t.Parallel()
	redis := proctest.Redis(t)
	a, b := newNode(t, redis.URL(), "a"), newNode(t, redis.URL(), "b")
	note(t, a, b)
	misses(t, b) // b hears of a
	a.crash()
	redis.CLI("FLUSHALL")
	b.Down()
	b.back()
	if got := keptNodes(redis); len(got) != 2 {
		t.Errorf("kept are %q, want a and b", got)
	}
	b.crash()
	c := newNode(t, redis.URL(), "c")
	note(t, c)
	if !misses(t, c) {
		t.Error("c misses nobody")
	}
}

// A node that came to an empty Redis before the others were back learns of them late.
func TestLateNodeIsToldOf(t *testing.T) {
	t.Parallel()
	redis := proctest.Redis(t)
	a := newNode(t, redis.URL(), "a")
	note(t, a)
	a.link.Close() // it neither hears nor says anything
	redis.CLI("FLUSHALL")
	older(t)
	c := newNode(t, redis.URL(), "c")
	note(t, c)
	if misses(t, c) || c.late.Load() != 0 {
		t.Fatalf("c knows of a already; %d late", c.late.Load())
	}
	a.back()
	proctest.Eventually(t, 5*time.Second, func() bool { return c.late.Load() == 1 }, "c is not told of a")
	if !misses(t, c) {
		t.Error("c does not miss a, which can't answer")
	}
	a.back()
	d := newNode(t, redis.URL(), "d")
	note(t, d)
	misses(t, d)
	d.back()
	misses(t, c)
	if got := c.late.Load(); got != 1 {
		t.Errorf("c was told %d times, want once: it knew a already, and d came after it", got)
	}
	if got := d.late.Load(); got != 0 {
		t.Errorf("d was told %d times, though it learnt of all in time", got)
	}
}

// What that one remembers of others is not known at once: for a while everybody may be
// missing.
func TestLateNodeBringsDoubt(t *testing.T) {
	t.Parallel()
	redis := proctest.Redis(t)
	a, b := newNode(t, redis.URL(), "a"), newNode(t, redis.URL(), "b")
	note(t, a, b)
	redis.CLI("FLUSHALL")
	older(t)
	c := newNode(t, redis.URL(), "c")
	note(t, c)
	if c.Missing(peer.Answers{}, time.Minute) {
		t.Fatal("c misses somebody already")
	}
	a.back()
	proctest.Eventually(t, 5*time.Second, func() bool { return c.late.Load() == 1 }, "c is not told of a")
	if got := ask(t, c, "name", "", 5*time.Second); !got.Complete || !c.Missing(got, time.Minute) {
		t.Errorf("c has all answers (%v), and no doubt", got.Complete)
	}
}

// A node that could not be noted, and knows something all the same, is told of as well.
func TestLateNodeThatWasNeverNotedIsToldOf(t *testing.T) {
	t.Parallel()
	redis := proctest.Redis(t)
	a, b := newNode(t, redis.URL(), "a"), newNode(t, redis.URL(), "b")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a.Hold(ctx) == nil || b.Note(ctx) == nil {
		t.Fatal("Redis was asked by a context that had ended")
	}
	older(t)
	c := newNode(t, redis.URL(), "c")
	note(t, c)
	b.back()
	proctest.Eventually(t, 5*time.Second, func() bool { return c.Missing(peer.Answers{}, time.Minute) }, "c does not hear of b")
	if got := c.late.Load(); got != 0 {
		t.Errorf("told %d times of b, which holds nothing", got)
	}
	a.back()
	proctest.Eventually(t, 5*time.Second, func() bool { return c.late.Load() == 1 }, "c is not told of a")
}

// However many nodes come and go, Redis keeps a bounded number of them.
func TestKeptNodesAreBounded(t *testing.T) {
	t.Parallel()
	redis := proctest.Redis(t)
	now, err := strconv.ParseInt(strings.Fields(redis.CLI("TIME"))[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	var add strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&add, " %d node%d", now*1000-int64(i), i)
	}
	redis.CLI(append([]string{"ZADD", keptKey}, strings.Fields(add.String())...)...)
	redis.CLI("ZADD", keptKey, strconv.FormatInt((now-26*3600)*1000, 10), "ancient")
	a := newNode(t, redis.URL(), "a")
	note(t, a)
	if got := redis.CLI("ZCARD", keptKey); got != "4096" {
		t.Errorf("%s are kept, want 4096", got)
	}
	if got := redis.CLI("ZSCORE", keptKey, a.Node()); got == "" {
		t.Error("the newest is not kept")
	}
	if ttl, err := strconv.Atoi(redis.CLI("TTL", keptKey)); err != nil || ttl < 24*3600 || ttl > 25*3600 {
		t.Errorf("the list lives for %d s (%v), want 25 h", ttl, err)
	}
}

// A node that went without a word longer ago than anything is resumed is forgotten.
func TestKeptNodesAreForgotten(t *testing.T) {
	t.Parallel()
	redis := proctest.Redis(t)
	redis.CLI("ZADD", keptKey, strconv.FormatInt(time.Now().Add(-26*time.Hour).UnixMilli(), 10), "ancient")
	a := newNode(t, redis.URL(), "a")
	note(t, a)
	if got := keptNodes(redis); len(got) != 1 || got[0] != a.Node() {
		t.Errorf("kept are %q, want a alone", got)
	}
}

// Many sockets that come at once ask Redis once, and later ones not at all.
func TestNoteAsksRedisOnce(t *testing.T) { //nolint:paralleltest // it counts allocations
	redis := proctest.Redis(t)
	a := newNode(t, redis.URL(), "a")
	scripts := func() string {
		for line := range strings.SplitSeq(redis.CLI("INFO", "commandstats"), "\n") {
			if rest, ok := strings.CutPrefix(line, "cmdstat_zremrangebyrank:calls="); ok {
				calls, _, _ := strings.Cut(rest, ",")
				return calls
			}
		}
		return "0"
	}
	var wg sync.WaitGroup
	var failed atomic.Int32
	for range 100 {
		wg.Go(func() {
			if a.Note(t.Context()) != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	if got := scripts(); got != "1" || failed.Load() > 0 {
		t.Errorf("Redis was asked %s times, %d failed", got, failed.Load())
	}
	redis.Pause()
	defer redis.Resume()
	note(t, a) // else it would hang
	if n := testing.AllocsPerRun(100, func() { _ = a.Note(t.Context()) }); n > 0 {
		t.Errorf("%v allocations once noted, want none", n)
	}
}

// A Redis that hangs holds nobody for longer than they want to wait, and once it is back
// the next one succeeds.
func TestNoteWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	redis := proctest.Redis(t)
	a := newNode(t, redis.URL(), "a")
	redis.Pause()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			began := time.Now()
			if err := a.Note(ctx); err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				t.Errorf("Note of a Redis that hangs: %v", err)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("it took %v, want 100 ms", took)
			}
		})
	}
	wg.Wait()
	redis.Resume()
	note(t, a)
}
