package session

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Two that take a seat over from each other, both by their user's word, where clients
// are only known by their device: the ticket counts, though nobody saw the token being
// issued.
func TestTakeoverBackFromAClientKnownByItsDevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t).under(Options{Oldest: true})
	n := w.node()
	on := func(browser, session string) Claim {
		l := w.login("bob", session)
		l.Browser = browser
		return Claim{Login: l, ByDevice: true}
	}
	n.mustLive(t, on("laptop", "0"))
	for i := 1; i < 6; i++ {
		c := on([]string{"laptop", "phone"}[i%2], fmt.Sprint(i))
		c.Observed = true
		denied := n.claim(t, c)
		wantOutcome(t, "without a ticket", denied, OutcomeDenied)
		c.Observed, c.Takeover = false, denied.Ticket
		wantOutcome(t, fmt.Sprint("takeover ", i), n.claim(t, c), OutcomeLive)
	}
}

// A login that is exempt no more, and finds no seat, keeps what it had: its sockets
// were opened while it was exempt.
func TestExemptNoMoreAndDenied(t *testing.T) {
	t.Parallel()
	w := newWorld(t).under(Options{Oldest: true})
	n := w.node()
	l := w.login("bob", "service")
	l.Exempt = true
	l = n.mustLive(t, Claim{Login: l})
	n.mustLive(t, Claim{Login: w.login("bob", "person")})
	l.Exempt = false
	wantOutcome(t, "claimed anew", n.claim(t, Claim{Login: l}), OutcomeDenied)
	if v := w.node().touch(t, l); v.Status != Live || !v.Exempt || v.SID != l.SID {
		t.Errorf("it is %v, exempt %v", v.Status, v.Exempt)
	}
}

// The same where it is refused for good: every node hears that its sockets end.
func TestExemptNoMoreAndStale(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	payloads := w.capture(t, a)
	l := w.login("bob", "service")
	l.Exempt, l.LoginTime = true, at(1)
	l = a.mustLive(t, Claim{Login: l})
	b.hub.attach(l)
	person := w.login("bob", "person")
	person.LoginTime = at(2)
	a.mustLive(t, Claim{Login: person})
	l.Exempt = false
	wantOutcome(t, "claimed anew", a.claim(t, Claim{Login: l}), OutcomeStale)
	for _, p := range payloads() {
		b.HandleEvent(p)
	}
	if a.hub.has(l.Identity) || b.hub.has(l.Identity) {
		t.Error("a socket of it is open")
	}
}

// A refresh of a login that is exempt no more is that login still.
func TestExemptNoMoreByARefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	l := w.login("bob", "service")
	l.Exempt = true
	l = n.mustLive(t, Claim{Login: l})
	res := n.claim(t, Claim{Login: w.login("bob", "refreshed"), Predecessor: l.Token})
	wantOutcome(t, "refreshed", res, OutcomeLive)
	if res.Login.Identity != l.Identity || res.Login.SID != l.SID || w.live(t, n, "bob") != 1 {
		t.Errorf("one login became %d", w.live(t, n, "bob"))
	}
}

// A service that logs in for every request must not fill Redis.
func TestExemptLoginsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	first := w.login("bob", "first")
	first.Exempt = true
	first = n.mustLive(t, Claim{Login: first})
	hash, _ := n.keys.hash("bob")
	m := n.keys.account(hash)[0]
	for i := range 1200 {
		if i%500 == 0 { // the minute's claims are not what this is about
			w.redis.CLI("HSET", m, "n", "0")
		}
		l := w.login("bob", fmt.Sprint(i))
		l.Exempt = true
		n.mustLive(t, Claim{Login: l})
	}
	if got := w.live(t, n, "bob"); got > 1024 {
		t.Errorf("%d exempt logins are live", got)
	}
	// Forgotten is not ended.
	want(t, "first", n.touch(t, first), Live, "")
}

// The account has all the tombstones it may have: a new generation that finds no room
// must not cost the old one its tombstone.
func TestFullAccountKeepsTheTombstoneOfAnEarlierLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	l := n.mustLive(t, Claim{Login: w.login("bob", "one")})
	mustRevoke(t, n, "bob", All())
	hash, _ := n.keys.hash("bob")
	ends := n.keys.account(hash)[3]
	args := []any{"ZADD", ends}
	for i := range 4100 { // a revoke of many at once may pass the bound
		args = append(args, time.Now().Add(time.Hour).UnixMilli(), fmt.Sprint(i))
	}
	if err := w.rdb.Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
	again := l
	again.SID = "" // a new life, not a retry
	wantOutcome(t, "observed", n.claim(t, observed(again)), OutcomeDenied)
	want(t, "it", w.node().touch(t, l), Dead, ReasonKicked)
}

// Redis is flushed, and then a token refreshed: it is still the same login, live or dead.
func TestRefreshAfterAFlush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	dead := n.mustLive(t, Claim{Login: w.login("bob", "dead")})
	live := n.mustLive(t, Claim{Login: w.login("bob", "live")})
	w.flush(t)
	res := n.claim(t, Claim{Login: w.login("bob", "refreshed"), Predecessor: live.Token})
	wantOutcome(t, "of the live one", res, OutcomeRotated)
	if res.Login.SID != live.SID {
		t.Error("the refresh began another login")
	}
	w.flush(t)
	wantOutcome(t, "of the dead one", n.claim(t, Claim{Login: w.login("bob", "refreshed too"), Predecessor: dead.Token}), OutcomeDead)
}

// Redis is flushed, and then somebody logs out or is kicked: that is not undone by what
// nodes remember.
func TestEndAfterAFlush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, end := range map[string]func(n *node, l Login){
		"logout": func(n *node, l Login) {
			mustRelease(t, n, Verdict{Account: l.Account, Identity: l.Identity, SID: l.SID})
		},
		"one":     func(n *node, l Login) { mustRevoke(t, n, l.Account, One(l.SID)) },
		"all":     func(n *node, l Login) { mustRevoke(t, n, l.Account, All()) },
		"all but": func(n *node, l Login) { mustRevoke(t, n, l.Account, AllBut("another")) },
	} {
		a, b := w.node(), w.node()
		l := a.mustLive(t, Claim{Login: w.login(name, "one")})
		want(t, name, b.lookup(t, l.Token), Live, "")
		b.hub.attach(l)
		w.flush(t)
		end(a, l)
		b.pass(t)
		if v := b.touch(t, l); v.Status != Dead {
			t.Errorf("%s: %v", name, v.Status)
		}
		if a.hub.has(l.Identity) || b.hub.has(l.Identity) {
			t.Errorf("%s: a socket is open", name)
		}
	}
}

// Redis is flushed and a dead identity observed anew: the other nodes hear that it was
// born again, and don't refuse it for what they remember.
func TestBirthAfterAFlush(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	payloads := w.capture(t, a)
	l := a.mustLive(t, Claim{Login: w.login("bob", "one")})
	mustRevoke(t, a, "bob", All())
	want(t, "on the other node", b.lookup(t, l.Token), Dead, ReasonKicked)
	w.flush(t)
	again := l
	again.SID = "" // a new life, not a retry
	a.mustLive(t, observed(again))
	for _, p := range payloads() {
		b.HandleEvent(p)
	}
	if v, ok := b.Verdicts().Get(l.Token); ok && v.Status == Dead {
		t.Error("refused for what it was before")
	}
	want(t, "on the other node", b.lookup(t, l.Token), Live, "")
}

// A failover lost the last logins and a node restores only their tombstones: their
// numbers are not given again.
func TestSeqOfALostDeathIsNotGivenAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	n.mustLive(t, Claim{Login: w.login("bob", "one")})
	lagging := w.dump(t)
	two := n.mustLive(t, Claim{Login: w.login("bob", "two")})
	mustRevoke(t, n, "bob", All())
	w.undump(t, lagging)
	want(t, "two", n.lookup(t, two.Token), Dead, ReasonKicked)
	if next := w.node().mustLive(t, Claim{Login: w.login("bob", "next")}); next.Seq <= two.Seq {
		t.Errorf("seq %d after %d", next.Seq, two.Seq)
	}
}

// An identity that ended is observed anew and denied: it waits for a seat like any
// other, and is not refused for what it was before, by no node and after no lost event.
func TestDeniedAfterItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t).under(Options{Oldest: true})
	a, deaf := w.node(), w.node()
	l := a.mustLive(t, Claim{Login: w.login("bob", "one")})
	mustRelease(t, a, a.touch(t, l))
	want(t, "on the deaf node", deaf.lookup(t, l.Token), Dead, ReasonLogout)
	holder := a.mustLive(t, Claim{Login: w.login("bob", "holder")})
	again := l
	again.SID = ""
	wantOutcome(t, "observed", a.claim(t, observed(again)), OutcomeDenied)
	for name, n := range map[string]*node{"here": a, "deaf": deaf, "new": w.node()} {
		want(t, name, n.lookup(t, l.Token), Unknown, "")
		res := n.claim(t, Claim{Login: again})
		wantOutcome(t, name, res, OutcomeDenied)
		if res.Ticket == "" {
			t.Errorf("%s: no ticket", name)
		}
	}
	late := observed(l) // a late retry of its first life is that life's
	wantOutcome(t, "late retry", a.claim(t, late), OutcomeDead)
	mustRelease(t, a, a.touch(t, holder))
	wantOutcome(t, "there is a seat", deaf.claim(t, Claim{Login: again}), OutcomeLive)
	want(t, "it", w.node().lookup(t, l.Token), Live, "")
}

// The birth of a new life is heard before the death of the old one: the login is not
// refused for longer than a verdict serves that nobody has confirmed.
func TestBirthHeardBeforeTheDeath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	payloads := w.capture(t, a)
	l := a.mustLive(t, Claim{Login: w.login("bob", "one")})
	want(t, "on the other node", b.lookup(t, l.Token), Live, "")
	mustRevoke(t, a, "bob", All())
	again := l
	again.SID = ""
	a.mustLive(t, observed(again))
	events := payloads()
	if len(events) != 2 {
		t.Fatalf("%d events", len(events))
	}
	b.HandleEvent(events[1])
	b.HandleEvent(events[0])
	if v := b.verdicts.remembered(l.Identity); v == nil || v.fresh.left() > liveFor {
		t.Fatalf("the old death serves for %v", v.fresh.left())
	}
	want(t, "asked again", b.lookup(t, l.Token), Live, "")
	// A death that Redis told serves for long.
	mustRevoke(t, a, "bob", All())
	want(t, "dead", b.lookup(t, l.Token), Dead, ReasonKicked)
	if v := b.verdicts.remembered(l.Identity); v.fresh.left() < deadFor/2 {
		t.Errorf("a confirmed death serves for %v", v.fresh.left())
	}
}

// All logins of an account that has as many as may be end at once, and every node hears
// of it by the event.
func TestOneEventTellsOfAllLogins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	payloads := w.capture(t, a)
	first := w.login("bob", "first")
	first.Browser, first.UserAgent = strings.Repeat("x", maxText), strings.Repeat("x", maxText)
	first = a.mustLive(t, Claim{Login: first})
	b.hub.attach(first)
	hash, _ := a.keys.hash("bob")
	key := a.keys.account(hash)[1]
	entry := w.redis.CLI("HGET", key, first.Identity.String())
	more := []any{"HSET", key}
	const others = 6000 // with all seats of all classes of device, and all that are exempt
	for i := range others {
		sid := random()
		more = append(more, w.key.Label("another", fmt.Sprint(i)).String(), strings.Replace(entry, first.SID, sid, 1))
	}
	if err := w.rdb.Do(t.Context(), more...).Err(); err != nil {
		t.Fatal(err)
	}
	if ended := mustRevoke(t, a, "bob", All()); len(ended) != others+1 {
		t.Fatalf("%d ended", len(ended))
	}
	for _, p := range payloads() {
		b.HandleEvent(p)
	}
	if b.hub.has(first.Identity) {
		t.Error("the event was not read")
	}
}

// A request of the old login may learn of its end before the event has come, or where
// it never comes: its sockets are told then.
func TestEndLearntBeforeItsEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	payloads := w.capture(t, a)
	old := b.mustLive(t, Claim{Login: w.login("bob", "old")})
	b.hub.attach(old)
	a.mustLive(t, Claim{Login: w.login("bob", "new")})
	want(t, "the old one", b.lookup(t, old.Token), Dead, ReasonDisplaced)
	if b.hub.has(old.Identity) {
		t.Error("its sockets were not told with the verdict")
	}
	for _, p := range payloads() {
		b.HandleEvent(p)
	}
	if b.hub.has(old.Identity) {
		t.Error("its sockets were not told by the event either")
	}
}
