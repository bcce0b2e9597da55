package session

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
)

func TestInvariant01DisplacedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, deaf := w.node(), w.node(), w.node()
	a.listen(t, w.rdb)
	old := a.mustLive(t, Claim{Login: w.login("bob", "one")})
	want(t, "before", deaf.lookup(t, old.Token), Live, "")
	if v, ok := a.Verdicts().Get(old.Token); !ok || v.Status != Live {
		t.Fatalf("the claiming node has no verdict: %v %v", v, ok)
	}
	res := b.claim(t, Claim{Login: w.login("bob", "two")})
	wantOutcome(t, "newer", res, OutcomeLive)
	if len(res.Displaced) != 1 || res.Displaced[0].SID != old.SID || res.Displaced[0].By.SID != res.Login.SID {
		t.Fatalf("displaced: %+v", res.Displaced)
	}
	proctest.Eventually(t, time.Second, func() bool {
		v, ok := a.Verdicts().Get(old.Token)
		return ok && v.Status == Dead && v.Reason == ReasonDisplaced
	}, "the event did not reach the cache")
	// Without events a live verdict serves for 2 s; then Redis is asked.
	w2 := deaf.verdicts.remembered(old.Identity)
	if left := w2.fresh.left(); left > 2*time.Second {
		t.Fatalf("a live verdict serves for %v", left)
	}
	want(t, "asked", deaf.lookup(t, old.Token), Dead, ReasonDisplaced)
	want(t, "newer", deaf.lookup(t, res.Login.Token), Live, "")
}

func TestInvariant02SocketsOfTheDisplacedAreClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b, deaf := w.node(), w.node(), w.node()
	a.listen(t, w.rdb)
	old := a.mustLive(t, Claim{Login: w.login("bob", "one")})
	deaf.hub.attach(old)
	b.mustLive(t, Claim{Login: w.login("bob", "two")})
	proctest.Eventually(t, time.Second, func() bool { return !a.hub.has(old.Identity) }, "socket still open")
	if !deaf.hub.has(old.Identity) {
		t.Fatal("closed without an event")
	}
	deaf.pass(t)
	if deaf.hub.has(old.Identity) {
		t.Fatal("the reconciler left the socket open")
	}
	b.pass(t)
	if len(b.hub.closed()) != 0 {
		t.Fatal("the newer login was closed")
	}
}

func TestInvariant04SimultaneousClaimsLeaveOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nodes := []*node{w.node(), w.node()}
	results := make([]Result, 60)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			results[i] = nodes[i%2].claim(t, Claim{Login: w.login("bob", fmt.Sprint(i))})
		})
	}
	wg.Wait()
	if n := w.live(t, nodes[0], "bob"); n != 1 {
		t.Fatalf("%d live", n)
	}
	// As some serial order would: each but the last displaced by the next one.
	seqs := map[int64]bool{}
	displaced := map[string]int{}
	for i, r := range results {
		// A claim may have been overtaken before its reply was read.
		if r.Outcome != OutcomeLive && r.Outcome != OutcomeDead {
			t.Fatalf("claim %d: %v", i, r.Outcome)
		}
		seqs[r.Login.Seq] = true
		for _, v := range r.Displaced {
			displaced[v.SID]++
		}
	}
	if len(seqs) != 60 || len(displaced) != 59 {
		t.Fatalf("%d seqs, %d displaced", len(seqs), len(displaced))
	}
	for sid, n := range displaced {
		if n != 1 {
			t.Fatalf("%s displaced %d times", sid, n)
		}
	}
}

func TestInvariant05DeadStaysDead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	for _, end := range []struct {
		name string
		do   func(l Login)
		why  Reason
	}{
		{"displaced", func(Login) { a.mustLive(t, Claim{Login: w.login("displaced", "newer")}) }, ReasonDisplaced},
		{"kicked", func(l Login) { mustRevoke(t, a, "kicked", One(l.SID)) }, ReasonKicked},
		{"logout", func(l Login) { mustRelease(t, a, a.touch(t, l)) }, ReasonLogout},
	} {
		first := w.login(end.name, "old")
		first.LoginTime = at(100)
		l := a.mustLive(t, Claim{Login: first})
		end.do(l)
		same := first // the same session under another token
		same.Token = w.token("another")
		for _, lt := range []time.Time{{}, at(99), at(100)} {
			same.LoginTime = lt
			res := a.claim(t, Claim{Login: same})
			wantOutcome(t, end.name, res, OutcomeDead)
			want(t, end.name, res.Verdict(), Dead, end.why)
		}
		want(t, end.name, a.lookup(t, l.Token), Dead, end.why)
		want(t, end.name, a.lookup(t, same.Token), Dead, end.why)
		same.LoginTime = at(101)
		wantOutcome(t, end.name+": greater login time", a.claim(t, Claim{Login: same}), OutcomeLive)
		want(t, end.name+": reborn", a.lookup(t, l.Token), Live, "")
		a.mustLive(t, Claim{Login: w.login(end.name, "newest"), Observed: true})
		wantOutcome(t, end.name+": not observed", a.claim(t, Claim{Login: first}), OutcomeDead)
		wantOutcome(t, end.name+": observed", a.claim(t, Claim{Login: first, Observed: true}), OutcomeLive)
	}
}

func TestInvariant06ClaimIsIdempotent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	a.mustLive(t, Claim{Login: w.login("bob", "old")})
	c := Claim{Login: w.login("bob", "new"), Observed: true}
	c.SID = "fixed by the caller"
	events := w.countEvents(t, a)
	first := a.claim(t, c)
	wantOutcome(t, "first", first, OutcomeLive)
	for range 3 {
		res := a.claim(t, c)
		wantOutcome(t, "retry", res, OutcomeSame)
		if res.Login != first.Login || len(res.Displaced) != 0 {
			t.Fatalf("retry: %+v, want %+v", res, first)
		}
	}
	// A second tab: the same login through another node, with a sid of its own.
	tab := c
	tab.SID = ""
	res := w.node().claim(t, tab)
	wantOutcome(t, "second tab", res, OutcomeSame)
	if res.Login.SID != first.Login.SID {
		t.Fatal("the second tab got another sid")
	}
	if n := events(); n != 1 {
		t.Fatalf("%d events", n)
	}
	// A late retry must not bring back what was displaced meanwhile.
	b := a.claim(t, Claim{Login: w.login("bob", "newest"), Observed: true})
	wantOutcome(t, "late retry", a.claim(t, c), OutcomeDead)
	want(t, "newest", a.lookup(t, b.Login.Token), Live, "")
}

func TestInvariant07ReleaseLeavesNewerLogins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	old := a.mustLive(t, Claim{Login: w.login("bob", "one")})
	before := a.touch(t, old)
	newer := a.mustLive(t, Claim{Login: w.login("bob", "two")})
	mustRelease(t, a, before)
	want(t, "newer", a.touch(t, newer), Live, "")
	want(t, "old", a.touch(t, old), Dead, ReasonDisplaced)
	// The same identity in a newer life.
	again := a.mustLive(t, Claim{Login: w.login("bob", "one"), Observed: true})
	mustRelease(t, a, before)
	want(t, "newer life", a.touch(t, again), Live, "")
	mustRelease(t, a, a.touch(t, again))
	want(t, "released", a.touch(t, again), Dead, ReasonLogout)
	if n := w.live(t, a, "bob"); n != 0 {
		t.Fatalf("%d live", n)
	}
}

func TestInvariant08RotationDisplacesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	first := a.mustLive(t, Claim{Login: w.login("bob", "one")})
	events := w.countEvents(t, a)

	sameSession := w.login("bob", "one")
	sameSession.Token = w.token("second token")
	res := b.claim(t, Claim{Login: sameSession})
	wantOutcome(t, "same session", res, OutcomeRotated)
	if res.Login.Seq != first.Seq || res.Login.SID != first.SID || res.Login.Epoch != first.Epoch {
		t.Fatalf("rotation changed the order: %+v, was %+v", res.Login, first)
	}

	// No session id: the new token would be a login of its own.
	refreshed := w.login("bob", "identity of the third token")
	refreshed.Token = w.token("third token")
	c := Claim{Login: refreshed, Predecessor: sameSession.Token}
	for range 2 {
		res = b.claim(t, c)
		if !res.Live() || res.Login.Identity != first.Identity || res.Login.Seq != first.Seq {
			t.Fatalf("refresh: %+v", res)
		}
	}
	for _, n := range []*node{a, b, w.node()} {
		v := n.lookup(t, refreshed.Token)
		want(t, "third token", v, Live, "")
		if v.Identity != first.Identity || v.Account != "bob" {
			t.Fatalf("third token leads to %+v", v)
		}
		want(t, "first token", n.lookup(t, first.Token), Live, "")
	}
	if n := events(); n != 0 {
		t.Fatalf("%d events", n)
	}

	// A chain, and then its end.
	fourth := w.login("bob", "identity of the fourth token")
	wantOutcome(t, "chain", a.claim(t, Claim{Login: fourth, Predecessor: refreshed.Token}), OutcomeRotated)
	a.mustLive(t, Claim{Login: w.login("bob", "two")})
	want(t, "fourth token", b.lookup(t, fourth.Token), Dead, ReasonDisplaced)
	fifth := w.login("bob", "identity of the fifth token")
	wantOutcome(t, "refresh of a dead one", b.claim(t, Claim{Login: fifth, Predecessor: fourth.Token}), OutcomeDead)
	want(t, "fifth token", w.node().lookup(t, fifth.Token), Dead, ReasonDisplaced)
}

func TestInvariant09EachEndIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	payloads := w.capture(t, a)
	old := a.mustLive(t, Claim{Login: w.login("bob", "one")})
	b.hub.attach(old)
	a.mustLive(t, Claim{Login: w.login("bob", "two")}) // a heard its own reply
	for _, p := range payloads() {
		for range 3 {
			a.HandleEvent(p)
			b.HandleEvent(p)
		}
	}
	a.pass(t)
	b.pass(t)
	for name, n := range map[string]*node{"a": a, "b": b} {
		if len(n.hub.told) != 1 || len(n.hub.closed()) != 1 {
			t.Fatalf("node %s: told %d times, closed %d", name, len(n.hub.told), len(n.hub.closed()))
		}
	}
}

func TestInvariant10SocketOpenedAfterDisplacement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	payloads := w.capture(t, a)
	l := a.claim(t, Claim{Login: w.login("bob", "one")}).Login
	b.claim(t, Claim{Login: w.login("bob", "two")})
	for _, p := range payloads() {
		a.HandleEvent(p) // before there is a socket to close
	}
	a.hub.attach(l)
	if v, ok := a.Verdicts().Identity(l.Identity); !ok || v.Status != Dead || v.SID != l.SID {
		t.Fatalf("the check after the attach finds %+v, %v", v, ok)
	}
	// An answer that was under way must not bring the live verdict back.
	raw := `{"s":"` + l.SID + `","e":"` + l.Epoch + `","q":"1"}`
	late, err := liveView("bob", l.Identity, raw, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	hash, _ := a.keys.hash("bob")
	if now, _ := a.verdicts.learn(hash, late, l.Token); now.Status != Dead {
		t.Fatal("an overtaken answer revived a dead login")
	}
}

func TestInvariant12NoPingPong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	t.Run("by session id", func(t *testing.T) {
		one, two := w.login("bob", "one"), w.login("bob", "two")
		a.mustLive(t, Claim{Login: one})
		a.mustLive(t, Claim{Login: two})
		for i := range 5 {
			one.Token = w.token(fmt.Sprint("refreshed unseen ", i))
			wantOutcome(t, "comes back", a.claim(t, Claim{Login: one}), OutcomeDead)
		}
		want(t, "holder", a.touch(t, two), Live, "")
	})
	t.Run("by device", func(t *testing.T) {
		claim := func(device string, n int, observed bool) Claim {
			l := w.login("amy", fmt.Sprint(device, n))
			l.Browser = device
			return Claim{Login: l, Observed: observed, ByDevice: true}
		}
		a.mustLive(t, claim("laptop", 1, true))
		phone := a.mustLive(t, claim("phone", 1, true))
		for i := range 5 {
			res := a.claim(t, claim("laptop", 2+i, false))
			wantOutcome(t, "refreshed unseen", res, OutcomeDead)
			want(t, "refreshed unseen", res.Verdict(), Dead, ReasonDisplaced)
		}
		want(t, "holder", a.touch(t, phone), Live, "")
		// A third client, and then the first displaced one is still barred.
		a.mustLive(t, claim("tablet", 1, true))
		for _, device := range []string{"laptop", "phone"} {
			wantOutcome(t, device, a.claim(t, claim(device, 9, false)), OutcomeDead)
		}
		// Only a login that was seen ends it.
		laptop := a.mustLive(t, claim("laptop", 10, true))
		wantOutcome(t, "tablet", a.claim(t, claim("tablet", 11, false)), OutcomeDead)
		want(t, "laptop", a.touch(t, laptop), Live, "")
		// A browser that was never displaced is a login like any other.
		wantOutcome(t, "unknown browser", a.claim(t, claim("watch", 1, false)), OutcomeLive)
	})
	t.Run("without either", func(t *testing.T) {
		// Nothing tells an unseen login from an unseen refresh: newest wins.
		for i, device := range []string{"x", "y", "x", "y"} {
			l := w.login("eve", fmt.Sprint(i))
			l.Browser = device
			a.mustLive(t, Claim{Login: l})
		}
	})
}
