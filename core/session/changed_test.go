package session

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Most passes run no script for logins that are as this node knows them, and
// miss nothing of the others, with no event to help it.
func TestReconcileByLooking(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rdb := open(t, w.redis, nil)
	count := &scriptCount{}
	rdb.AddHook(count)
	a, b := w.nodeOn(rdb), w.node()
	same := a.mustLive(t, Claim{Login: w.login("bob", "same")})
	old := a.mustLive(t, Claim{Login: w.login("amy", "old")})
	kicked := a.mustLive(t, Claim{Login: w.login("dan", "kicked")})
	lost := a.mustLive(t, Claim{Login: w.login("eve", "lost")})
	rec := NewReconciler(a.Registry, a.hub, 0)
	pass := func(what string, scripts int64) {
		t.Helper()
		before := count.n.Load()
		if err := rec.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := count.n.Load() - before; got != scripts {
			t.Errorf("%s: %d scripts, want %d", what, got, scripts)
		}
	}
	pass("touches all", 4)
	for range touchEvery - 1 {
		pass("looks, and finds all as it was", 0)
	}

	newer := b.mustLive(t, Claim{Login: w.login("amy", "new")})
	mustRevoke(t, b, "dan", All())
	pass("touches all, and tells of two", 4)
	for who, l := range map[string]Login{"displaced": old, "kicked": kicked} {
		if a.hub.has(l.Identity) {
			t.Errorf("the %s login has sockets still", who)
		}
	}
	// Between a pass that touches and one that looks.
	a.hub.attach(newer)
	hash, err := a.keys.hash("eve")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.rdb.Del(t.Context(), a.keys.account(hash)...).Err(); err != nil {
		t.Fatal(err)
	}
	last := b.mustLive(t, Claim{Login: w.login("amy", "last")})
	before := count.n.Load()
	if err := rec.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if count.n.Load() == before {
		t.Error("looked, and asked no further")
	}
	if a.hub.has(newer.Identity) {
		t.Error("a displaced login has sockets still")
	}
	want(t, "last", b.touch(t, last), Live, "")
	want(t, "lost", b.touch(t, lost), Live, "")
	want(t, "same", b.touch(t, same), Live, "")
}

// Where holders have a lease, it is renewed in time.
func TestReconcileKeepsLeases(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.policy.Oldest = true
	rdb := open(t, w.redis, nil)
	count := &scriptCount{}
	rdb.AddHook(count)
	n := w.nodeOn(rdb)
	n.mustLive(t, Claim{Login: w.login("bob", "one")})
	rec := NewReconciler(n.Registry, n.hub, 0)
	for i, want := range []int64{1, 0, 1, 0, 1} {
		before := count.n.Load()
		if err := rec.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := count.n.Load() - before; got != want {
			t.Errorf("pass %d: %d scripts, want %d", i, got, want)
		}
	}
}

// scriptCount counts scripts.
type scriptCount struct{ n atomic.Int64 }

func (*scriptCount) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (*scriptCount) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (c *scriptCount) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			if strings.HasPrefix(cmd.Name(), "eval") {
				c.n.Add(1)
			}
		}
		return next(ctx, cmds)
	}
}
