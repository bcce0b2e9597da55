package session

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
)

func (w *world) flush(tb failer) {
	tb.Helper()
	insist(tb, func() error { return w.rdb.FlushAll(context.Background()).Err() })
}

// A login restored and a login claimed after a flush: who comes first must not
// matter.
func TestRestoreRanksBelowAClaim(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, claimFirst := range []bool{true, false} {
		account := fmt.Sprint("account ", claimFirst)
		a, b := w.node(), w.node()
		old := a.mustLive(t, Claim{Login: w.login(account, "old")})
		w.flush(t)
		var newer Login
		if claimFirst {
			newer = b.mustLive(t, Claim{Login: w.login(account, "new")})
			a.pass(t)
		} else {
			a.pass(t)
			if !a.hub.has(old.Identity) {
				t.Fatal("a login that took the free seat was closed")
			}
			if v := a.touch(t, old); v.Seq != old.Seq || v.Epoch != old.Epoch || v.SID != old.SID {
				t.Fatalf("restored as %+v, was %+v", v, old)
			}
			newer = b.mustLive(t, Claim{Login: w.login(account, "new")})
			a.pass(t)
		}
		b.pass(t)
		if a.hub.has(old.Identity) || !b.hub.has(newer.Identity) {
			t.Fatalf("claim first %v: old %v, new %v", claimFirst, a.hub.has(old.Identity), b.hub.has(newer.Identity))
		}
		want(t, "old", a.touch(t, old), Dead, ReasonDisplaced)
	}
}

// Redis lost a displacement, as a failover to a lagging replica does.
func TestRestoreReplaysALostDisplacement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, order := range []string{"old first", "new first"} {
		a, b := w.node(), w.node()
		old := a.mustLive(t, Claim{Login: w.login(order, "old")}) // hears nothing
		newer := b.mustLive(t, Claim{Login: w.login(order, "new")})
		w.flush(t)
		first, second := a, b
		if order == "new first" {
			first, second = b, a
		}
		first.pass(t)
		second.pass(t)
		first.pass(t)
		if a.hub.has(old.Identity) || !b.hub.has(newer.Identity) {
			t.Fatalf("%s: old %v, new %v", order, a.hub.has(old.Identity), b.hub.has(newer.Identity))
		}
		if n := w.live(t, a, order); n != 1 {
			t.Fatalf("%s: %d live", order, n)
		}
	}
}

func TestFailoverLostTheClaim(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	old := a.mustLive(t, Claim{Login: w.login("bob", "old")})
	lagging := w.dump(t)
	newer := b.mustLive(t, Claim{Login: w.login("bob", "new")})
	w.undump(t, lagging)
	want(t, "old", a.touch(t, old), Live, "")
	b.pass(t)
	a.pass(t)
	if a.hub.has(old.Identity) || !b.hub.has(newer.Identity) {
		t.Fatal("the displacement was not replayed")
	}
	// The next one is newer than both.
	next := a.mustLive(t, Claim{Login: w.login("bob", "next")})
	if next.Seq <= newer.Seq {
		t.Fatalf("seq %d after %d", next.Seq, newer.Seq)
	}
}

func (w *world) dump(tb failer) map[string]string {
	tb.Helper()
	ctx := context.Background()
	var keys []string
	insist(tb, func() (err error) {
		keys, err = w.rdb.Keys(ctx, "*").Result()
		return err
	})
	out := map[string]string{}
	for _, k := range keys {
		out[k] = w.rdb.Dump(ctx, k).Val()
	}
	return out
}

func (w *world) undump(tb failer, keys map[string]string) {
	tb.Helper()
	w.flush(tb)
	for k, v := range keys {
		insist(tb, func() error { return w.rdb.RestoreReplace(context.Background(), k, time.Hour, v).Err() })
	}
}

// Somebody presses "clear all". A sleeping tab of a displaced login must not
// become the newest login, and a genuinely new one displaces as always.
func TestFlushDoesNotWakeTheDead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	a.listen(t, w.rdb)
	b.listen(t, w.rdb)
	old := w.login("bob", "old")
	a.mustLive(t, Claim{Login: old})
	newer := a.mustLive(t, Claim{Login: w.login("bob", "new")})
	proctest.Eventually(t, time.Second, func() bool {
		v, ok := b.Verdicts().Identity(old.Identity)
		return ok && v.Status == Dead
	}, "the other node heard nothing")
	w.flush(t)

	// Before anybody has reconciled, on a node that only heard of it.
	wantOutcome(t, "sleeping tab", b.claim(t, Claim{Login: old}), OutcomeDead)
	want(t, "sleeping tab", b.lookup(t, old.Token), Dead, ReasonDisplaced)
	a.pass(t)
	want(t, "holder", a.touch(t, newer), Live, "")

	// The tombstone is back for nodes that know nothing, too.
	want(t, "sleeping tab elsewhere", w.node().lookup(t, old.Token), Dead, ReasonDisplaced)

	newest := w.login("bob", "newest")
	wantOutcome(t, "genuinely new", w.node().claim(t, Claim{Login: newest}), OutcomeLive)
	want(t, "holder", a.touch(t, newer), Dead, ReasonDisplaced)
}

// A request heals its own login, without waiting for the reconciler.
func TestLookupRestores(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	l := a.claim(t, Claim{Login: w.login("bob", "one")}).Login
	w.flush(t)
	v := a.lookup(t, l.Token)
	want(t, "after the flush", v, Live, "")
	if v.SID != l.SID || v.Seq != l.Seq {
		t.Fatalf("restored as %+v, was %+v", v, l)
	}
	v = w.node().lookup(t, l.Token)
	want(t, "another node", v, Live, "")
}

// A node that forgot, too, restores what its hub knows.
func TestTouchRestoresFromTheCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	l := a.claim(t, Claim{Login: w.login("bob", "one")}).Login
	w.flush(t)
	b := w.node()
	v := b.touch(t, l)
	want(t, "restored", v, Live, "")
	if v.SID != l.SID || v.Seq != l.Seq || v.Epoch != l.Epoch {
		t.Fatalf("restored as %+v, was %+v", v, l)
	}
	// An unclaimed login is not put back: nobody admitted it.
	w.flush(t)
	unclaimed := w.login("amy", "one")
	want(t, "unclaimed", b.touch(t, unclaimed), Unknown, "")
	b.hub.attach(unclaimed)
	b.pass(t)
	want(t, "claimed by the reconciler", b.touch(t, unclaimed), Live, "")
	for k := range b.hub.Logins() {
		l := k.Login()
		if l.Seq == 0 || l.SID == "" {
			t.Fatalf("the hub was not told: %+v", l)
		}
	}
}

// Logins that were accepted while Redis was down are claimed in the order in which they
// came: the newest wins, and displaces one after the other.
func TestUnclaimedLoginsInTheirOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	var last Login
	for i := range 8 {
		last = w.login("bob", fmt.Sprint(i))
		n.hub.attach(last)
	}
	n.pass(t)
	want(t, "the newest", n.touch(t, last), Live, "")
	if !n.hub.has(last.Identity) {
		t.Error("the newest login's sockets were closed")
	}
}

func TestRedisKilledAndStartedEmpty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	ctx := context.Background()
	old := a.mustLive(t, Claim{Login: w.login("bob", "old")})
	newer := b.mustLive(t, Claim{Login: w.login("bob", "new")})
	want(t, "old", a.lookup(t, old.Token), Dead, ReasonDisplaced)
	w.redis.Kill()
	if _, err := b.Lookup(ctx, newer.Token, ""); err == nil {
		t.Fatal("no error while Redis is down")
	}
	// Dead is dead, whatever Redis does.
	want(t, "old while Redis is down", a.lookup(t, old.Token), Dead, ReasonDisplaced)
	unclaimed := w.login("amy", "accepted meanwhile")
	a.hub.attach(unclaimed)
	w.redis.Start()
	a.pass(t)
	b.pass(t)
	want(t, "old", a.touch(t, old), Dead, ReasonDisplaced)
	want(t, "newer", b.touch(t, newer), Live, "")
	want(t, "unclaimed", b.touch(t, unclaimed), Live, "")
	if n := w.live(t, a, "bob"); n != 1 {
		t.Fatalf("%d live", n)
	}
}

func TestReconcilerRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	old := a.mustLive(t, Claim{Login: w.login("bob", "old")})
	rec := NewReconciler(a.Registry, a.hub, time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		rec.Run(ctx)
	}()
	defer func() {
		cancel()
		<-done
	}()
	b.mustLive(t, Claim{Login: w.login("bob", "new")})
	for range 3 {
		rec.Kick()
	}
	proctest.Eventually(t, 2*time.Second, func() bool { return !a.hub.has(old.Identity) }, "a kick made no pass")
}
