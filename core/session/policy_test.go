package session

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// observed is a claim of a login that was just seen.
func observed(l Login) Claim { return Claim{Login: l, Observed: true} }

func TestLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t).under(Options{Limit: 3})
	n := w.node()
	var logins []Login
	for i := range 5 {
		logins = append(logins, n.mustLive(t, Claim{Login: w.login("bob", fmt.Sprint(i))}))
		if got := w.live(t, n, "bob"); got != min(i+1, 3) {
			t.Fatalf("%d live after login %d", got, i)
		}
	}
	for i, l := range logins {
		status, reason := Live, Reason("")
		if i < 2 {
			status, reason = Dead, ReasonDisplaced
		}
		want(t, fmt.Sprint("login ", i), w.node().touch(t, l), status, reason)
	}
	if by := n.touch(t, logins[0]).By; by.SID != logins[3].SID || by.IP != "192.0.x.x" || by.Since.IsZero() {
		t.Errorf("displaced by %+v", by)
	}
}

// TestInvariant04ManyClaims: N simultaneous claims leave min(N, limit) live.
func TestInvariant04ManyClaimsUnderEveryPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, limit := range []int{1, 2, 5} {
		for _, oldest := range []bool{false, true} {
			w := w.in(fmt.Sprint(limit, oldest)).under(Options{Limit: limit, Oldest: oldest})
			nodes := []*node{w.node(), w.node()}
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() { nodes[i%2].claim(t, Claim{Login: w.login("bob", fmt.Sprint(i))}) })
			}
			wg.Wait()
			if got := w.live(t, nodes[0], "bob"); got != limit {
				t.Errorf("limit %d, oldest %v: %d live", limit, oldest, got)
			}
		}
	}
}

// TestInvariant03PerDevice: the limit is of a device class.
func TestInvariant03PerDevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t).under(Options{PerDevice: true})
	n := w.node()
	on := func(device, session string) Login {
		l := w.login("bob", session)
		l.Device = device
		return l
	}
	pc, phone := n.mustLive(t, Claim{Login: on("pc", "1")}), n.mustLive(t, Claim{Login: on("mobile", "2")})
	want(t, "pc", n.touch(t, pc), Live, "")
	other := n.mustLive(t, Claim{Login: on("pc", "3")})
	want(t, "pc", n.touch(t, pc), Dead, ReasonDisplaced)
	want(t, "phone", n.touch(t, phone), Live, "")
	want(t, "other pc", n.touch(t, other), Live, "")
	// What a node knows goes back to its own seats.
	w.redis.CLI("FLUSHALL")
	n.pass(t)
	want(t, "phone after a flush", n.touch(t, phone), Live, "")
	want(t, "other pc after a flush", n.touch(t, other), Live, "")
	if got := w.live(t, n, "bob"); got != 2 {
		t.Errorf("%d live, want 2", got)
	}
}

func TestOldestWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t).under(Options{Oldest: true})
	n := w.node()
	first := w.login("bob", "1")
	first.Device = "pc"
	first = n.mustLive(t, Claim{Login: first})
	late := w.login("bob", "2")
	late.Browser = "firefox"
	res := n.claim(t, Claim{Login: late})
	wantOutcome(t, "second", res, OutcomeDenied)
	if len(res.Holders) != 1 || res.Ticket == "" {
		t.Fatalf("denied without holders or a ticket: %+v", res)
	}
	if h := res.Holders[0]; h.SID != first.SID || h.IP != "192.0.x.x" || h.Device != "pc" || time.Since(h.Since) > time.Minute || h.Seen.IsZero() {
		t.Errorf("holder %+v", h)
	}
	want(t, "first", n.touch(t, first), Live, "")
	wantOutcome(t, "observed second", n.claim(t, observed(late)), OutcomeDenied)

	// Denied is not dead: when the seat is free it may have it.
	if err := n.Release(t.Context(), n.touch(t, first)); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, "second again", n.claim(t, Claim{Login: late}), OutcomeLive)
}

// TestInvariant13OldestWinsLease: a holder that nobody sees any more blocks nobody.
func TestInvariant13OldestWinsLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t).under(Options{Oldest: true})
	n := w.node()
	crashed := n.mustLive(t, Claim{Login: w.login("bob", "1")})
	wantOutcome(t, "while it is seen", w.node().claim(t, Claim{Login: w.login("bob", "2")}), OutcomeDenied)
	w.age(t, n, crashed, 74*time.Second)
	wantOutcome(t, "within the lease", w.node().claim(t, Claim{Login: w.login("bob", "3")}), OutcomeDenied)
	n.touch(t, crashed) // its node lives
	wantOutcome(t, "seen again", w.node().claim(t, Claim{Login: w.login("bob", "4")}), OutcomeDenied)
	w.age(t, n, crashed, 76*time.Second)
	res := w.node().claim(t, Claim{Login: w.login("bob", "5")})
	wantOutcome(t, "after the lease", res, OutcomeLive)
	want(t, "the crashed one", w.node().touch(t, crashed), Dead, ReasonDisplaced)
}

// age makes Redis believe that a login was last seen so long ago.
func (w *world) age(tb failer, n *node, l Login, by time.Duration) {
	tb.Helper()
	hash, err := n.keys.hash(l.Account)
	if err != nil {
		tb.Fatal(err)
	}
	key := n.keys.account(hash)[1]
	var e map[string]any
	if err := json.Unmarshal([]byte(w.redis.CLI("HGET", key, l.Identity.String())), &e); err != nil {
		tb.Fatal(err)
	}
	e["l"] = fmt.Sprint(time.Now().Add(-by).UnixMilli())
	raw, err := json.Marshal(e)
	if err != nil {
		tb.Fatal(err)
	}
	w.redis.CLI("HSET", key, l.Identity.String(), string(raw))
}

func TestTakeover(t *testing.T) {
	t.Parallel()
	w := newWorld(t).under(Options{Oldest: true})
	n := w.node()
	first := n.mustLive(t, Claim{Login: w.login("bob", "1")})
	late := w.login("bob", "2")
	late.Browser = "firefox"
	ticket := n.claim(t, Claim{Login: late}).Ticket

	stranger := w.login("bob", "3")
	stranger.Browser = "firefox"
	wantOutcome(t, "another login", n.claim(t, Claim{Login: stranger, Takeover: ticket}), OutcomeDenied)
	moved := late
	moved.Browser = "safari"
	wantOutcome(t, "another browser", n.claim(t, Claim{Login: moved, Takeover: ticket}), OutcomeDenied)
	for _, bad := range []string{"guess", ticket[:len(ticket)-1], "_" + ticket[1:], strings.Repeat("A", len(ticket))} {
		wantOutcome(t, "a made-up ticket", n.claim(t, Claim{Login: late, Takeover: bad}), OutcomeDenied)
	}

	// The denials since, each with a ticket of its own, took nothing from the first.
	res := w.node().claim(t, Claim{Login: late, Takeover: ticket})
	wantOutcome(t, "with its ticket", res, OutcomeLive)
	if len(res.Displaced) != 1 || res.Displaced[0].SID != first.SID {
		t.Errorf("displaced %+v", res.Displaced)
	}
	wantOutcome(t, "a retry", n.claim(t, Claim{Login: late, Takeover: ticket}), OutcomeSame)
	want(t, "first", n.touch(t, first), Dead, ReasonDisplaced)

	// Once used it is nothing.
	if err := n.Release(t.Context(), res.Verdict()); err != nil {
		t.Fatal(err)
	}
	n.mustLive(t, Claim{Login: w.login("bob", "4")})
	again := w.login("bob", "5")
	again.Browser = "firefox"
	wantOutcome(t, "used before", n.claim(t, Claim{Login: again, Takeover: ticket}), OutcomeDenied)
}

// A page that was denied before it had the device cookie has it when it asks to
// take over.
func TestTakeoverWithABrowserMetSince(t *testing.T) {
	t.Parallel()
	w := newWorld(t).under(Options{Oldest: true})
	n := w.node()
	n.mustLive(t, Claim{Login: w.login("bob", "1")})
	late := w.login("bob", "2")
	late.Browser = ""
	ticket := n.claim(t, Claim{Login: late}).Ticket
	late.Browser = "firefox"
	wantOutcome(t, "takeover", n.claim(t, Claim{Login: late, Takeover: ticket}), OutcomeLive)
}

// A denied login takes no room in the account, for there may be many.
func TestTicketsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t).under(Options{Oldest: true})
	n := w.node()
	n.mustLive(t, Claim{Login: w.login("bob", "first")})
	for i := range 80 {
		wantOutcome(t, "late", n.claim(t, Claim{Login: w.login("bob", fmt.Sprint(i))}), OutcomeDenied)
	}
	hash, _ := n.keys.hash("bob")
	if got := w.rdb.HLen(t.Context(), n.keys.account(hash)[0]).Val(); got > 8 {
		t.Errorf("%d fields in the account", got)
	}
}

// TestInvariant17Exempt: exempt logins displace nobody and are displaced by nobody.
func TestInvariant17Exempt(t *testing.T) {
	t.Parallel()
	for _, oldest := range []bool{false, true} {
		t.Run(fmt.Sprint("oldest ", oldest), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).under(Options{Oldest: oldest})
			n := w.node()
			service := w.login("bob", "service")
			service.Exempt = true
			person := n.mustLive(t, Claim{Login: w.login("bob", "person")})
			service = n.mustLive(t, Claim{Login: service})
			want(t, "person", n.touch(t, person), Live, "")
			if !service.Exempt || !n.touch(t, service).Exempt {
				t.Error("it is not known as exempt")
			}
			res := n.claim(t, observed(w.login("bob", "another person")))
			if oldest {
				wantOutcome(t, "another person", res, OutcomeDenied)
			} else if len(res.Displaced) != 1 || res.Displaced[0].Identity != person.Identity {
				t.Errorf("displaced %+v", res.Displaced)
			}
			want(t, "service", n.touch(t, service), Live, "")
			w.redis.CLI("FLUSHALL")
			n.pass(t)
			want(t, "service after a flush", n.touch(t, service), Live, "")
			if !n.touch(t, service).Exempt {
				t.Error("it is exempt no more after a flush")
			}
			// It can be ended like any other.
			if ended, err := n.Revoke(t.Context(), "bob", One(service.SID), ReasonKicked); err != nil || len(ended) != 1 {
				t.Errorf("revoked %v, %v", ended, err)
			}
		})
	}
}

// One that loses its exemption has to be admitted like any other.
func TestExemptNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	l := w.login("bob", "service")
	l.Exempt = true
	l = n.mustLive(t, Claim{Login: l})
	person := n.mustLive(t, Claim{Login: w.login("bob", "person")})
	l.Exempt = false
	res := n.claim(t, Claim{Login: l})
	wantOutcome(t, "claimed anew", res, OutcomeLive)
	if res.Login.SID != l.SID || len(res.Displaced) != 1 || res.Displaced[0].SID != person.SID {
		t.Errorf("%+v", res)
	}
	if got := w.live(t, n, "bob"); got != 1 {
		t.Errorf("%d live", got)
	}
}

func TestGrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t).under(Options{Grace: time.Minute})
	n, other := w.node(), w.node()
	old := n.mustLive(t, Claim{Login: w.login("bob", "1")})
	n.mustLive(t, Claim{Login: w.login("bob", "2")})
	for name, v := range map[string]Verdict{"here": n.touch(t, old), "elsewhere": other.touch(t, old)} {
		if d := time.Until(v.GraceUntil); v.Status != Dead || d < 50*time.Second || d > time.Minute {
			t.Errorf("%s: %v, grace for %v", name, v.Status, d)
		}
	}
	if ended := n.hub.closed(); len(ended) != 1 || ended[0].GraceUntil.IsZero() {
		t.Errorf("the event tells %+v", ended)
	}
	kicked, err := n.Revoke(t.Context(), "bob", All(), ReasonKicked)
	if err != nil || len(kicked) != 1 || !kicked[0].GraceUntil.IsZero() {
		t.Errorf("a kicked login has grace: %+v, %v", kicked, err)
	}
}

func TestVacant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	first := n.mustLive(t, Claim{Login: w.login("bob", "1"), Vacant: true})
	res := n.claim(t, Claim{Login: w.login("bob", "2"), Vacant: true})
	wantOutcome(t, "no free seat", res, OutcomeDead)
	want(t, "it", res.Verdict(), Dead, ReasonDisplaced)
	want(t, "first", n.touch(t, first), Live, "")
	wantOutcome(t, "observed", n.claim(t, observed(w.login("bob", "2"))), OutcomeLive)
	want(t, "first", n.touch(t, first), Dead, ReasonDisplaced)
}

// Two clients that log in anew whenever they are displaced come to an end.
func TestFlapGuard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.node()
	flaps := 0
	var last Result
	for i := range 20 {
		l := w.login("bob", fmt.Sprint(i))
		l.Browser = []string{"firefox", "safari"}[i%2]
		if last = n.claim(t, Claim{Login: l}); last.Flap {
			flaps++
			want(t, "refused", last.Verdict(), Dead, ReasonDisplaced)
		}
	}
	if live := w.live(t, n, "bob"); flaps == 0 || live != 1 {
		t.Errorf("%d of 20 claims were one too many, %d live", flaps, live)
	}
	// Somebody who logs in again is nobody who comes back by himself.
	l := w.login("bob", "a new login")
	l.Browser = "firefox"
	wantOutcome(t, "observed", n.claim(t, observed(l)), OutcomeLive)
	for i := range 10 {
		l := w.login("carol", fmt.Sprint(i))
		l.Browser = []string{"firefox", "safari"}[i%2]
		wantOutcome(t, fmt.Sprint("observed ", i), n.claim(t, observed(l)), OutcomeLive)
	}
}

func TestListLogins(t *testing.T) {
	t.Parallel()
	w := newWorld(t).under(Options{Limit: 2})
	n, stranger := w.node(), w.in("another").node()
	stranger.mustLive(t, Claim{Login: w.in("another").login("bob", "1")})
	for i := range 300 {
		account := fmt.Sprintf("user %d {*}", i)
		for k := range 2 {
			l := w.login(account, fmt.Sprint(k))
			l.Device, l.UserAgent, l.Name, l.Dept = "pc", "browser", "a name", "a department"
			n.mustLive(t, Claim{Login: l})
		}
	}
	seen := map[string]int{}
	cursor, pages := "", 0
	for {
		page, next, err := n.List(t.Context(), cursor, 50)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range page {
			seen[in.SID]++
			if in.Account == "" || in.Name != "a name" || in.Dept != "a department" || in.IP != "192.0.2.1" || in.Device != "pc" || in.UserAgent != "browser" || in.Since.IsZero() || in.Seen.IsZero() {
				t.Fatalf("incomplete: %+v", in)
			}
		}
		if pages++; next == "" {
			break
		}
		cursor = next
	}
	if len(seen) != 600 || pages < 3 {
		t.Errorf("%d logins in %d pages, want 600 in several", len(seen), pages)
	}
	one, err := n.Logins(t.Context(), "user 7 {*}")
	if err != nil || len(one) != 2 {
		t.Fatalf("%d logins of one account, %v", len(one), err)
	}
	found, ok, err := n.Find(t.Context(), one[1].SID)
	if err != nil || !ok || found != one[1] {
		t.Errorf("found %+v, %v, %v", found, ok, err)
	}
	for _, bad := range []string{"", ".", "x.y", "{}:.y", one[0].SID[:hashLen] + ".nonsense", one[0].SID[:hashLen]} {
		if found, ok, err := n.Find(t.Context(), bad); err != nil || ok {
			t.Errorf("sid %q: %+v, %v", bad, found, err)
		}
	}
	if _, _, err := n.List(t.Context(), "nonsense", 1); err != ErrCursor { //nolint:errorlint // not wrapped
		t.Errorf("nonsense for a cursor: %v", err)
	}
}

func TestMaskIP(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]string{
		"203.0.113.9": "203.0.x.x", "::ffff:203.0.113.9": "203.0.x.x",
		"2001:db8:1:2::3": "2001:db8:x", "fe80::1%eth0": "fe80:0:x", "": "", "@": "",
	} {
		if got := MaskIP(ip); got != want {
			t.Errorf("MaskIP(%q) = %q, want %q", ip, got, want)
		}
	}
	if !slices.Contains([]string{"203.0.x.x"}, MaskIP("203.0.255.255")) {
		t.Error("the rest shows")
	}
}
