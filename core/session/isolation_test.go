package session

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestInvariant14AccountsAndRealmsNeverInterfere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	names := []string{
		"bob", "bob2", "bo", "{}", "{", "}", "{bob}", ":", "*", "b*", "?", "[a-z]", " ", "  ", "bob ", "\x00", "a\nb",
		"wsgate:", "张三", "\xff\xfe", "\xff", strings.Repeat("x", 10_000), strings.Repeat("x", 10_001),
	}
	for _, realm := range []string{"default", "other", "default:t", "{default}"} {
		rw := w.in(realm)
		a, b := rw.node(), rw.node()
		for _, name := range names {
			a.mustLive(t, Claim{Login: rw.login(name, "one")})
		}
		for _, name := range names {
			want(t, name, b.lookup(t, rw.login(name, "one").Token), Live, "")
			res := b.claim(t, Claim{Login: rw.login(name, "two")})
			if len(res.Displaced) != 1 {
				t.Fatalf("%s, account %.20q: displaced %d", realm, name, len(res.Displaced))
			}
			if v := w.in(realm).node().lookup(t, res.Login.Token); v.Account != name || v.Status != Live {
				t.Fatalf("%s, account %.20q: token leads to %+v", realm, name, v)
			}
			if n := rw.live(t, b, name); n != 1 {
				t.Fatalf("%s, account %.20q: %d live", realm, name, n)
			}
		}
		mustRevoke(t, a, "bob", All())
		for _, name := range names {
			if n := rw.live(t, a, name); (n == 0) != (name == "bob") {
				t.Fatalf("%s, account %.20q: %d live after bob was kicked", realm, name, n)
			}
		}
	}
	for _, name := range []string{"", strings.Repeat("x", maxAccount+1)} {
		if _, err := w.node().Claim(context.Background(), Claim{Login: w.login(name, "one")}); err == nil {
			t.Fatalf("account of %d bytes accepted", len(name))
		}
	}
}

func TestInvariant15ClocksDecideNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	fast, slow := w.node(), w.node() // nodes after a failover to a server whose clock is off
	fast.lua = newScripts(skewed(t, "+ 3600"))
	slow.lua = newScripts(skewed(t, "- 3600"))
	for i, life := range []time.Duration{0, -time.Hour, time.Second, time.Hour, 24 * time.Hour} {
		account := fmt.Sprint("account ", i)
		one, two := w.login(account, "one"), w.login(account, "two")
		if life != 0 {
			one.Expires = time.Now().Add(life) // as a node with a wrong clock sees it
		}
		one = a.mustLive(t, Claim{Login: one})
		for _, n := range []*node{fast, slow, a} {
			want(t, "live", n.touch(t, one), Live, "")
		}
		two = slow.mustLive(t, Claim{Login: two})
		for _, n := range []*node{fast, slow, a} {
			want(t, "displaced", n.touch(t, one), Dead, ReasonDisplaced)
			wantOutcome(t, "claims again", n.claim(t, Claim{Login: one}), OutcomeDead)
			want(t, "holder", n.touch(t, two), Live, "")
		}
	}
}

// skewed are the scripts' common part with another clock.
func skewed(tb testing.TB, offset string) string {
	tb.Helper()
	s := strings.Replace(commonLua, "tonumber(time[1])", "(tonumber(time[1]) "+offset+")", 1)
	if s == commonLua {
		tb.Fatal("the clock was not found in common.lua")
	}
	return s
}

func TestInvariant16ExpiryEndsNoLiveLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	l := w.login("bob", "one")
	l.Expires = time.Now().Add(-time.Hour)
	l = a.mustLive(t, Claim{Login: l})
	want(t, "expired", a.touch(t, l), Live, "")
	a.pass(t)
	if !a.hub.has(l.Identity) {
		t.Fatal("the reconciler closed a login that the backend still accepts")
	}
}
