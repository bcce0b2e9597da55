package session

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// The demo runs on miniredis, whose Lua is another implementation.
func TestScriptsRunOnMiniredis(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), Protocol: 2})
	t.Cleanup(func() { _ = rdb.Close() })
	w := &world{tb: t, rdb: rdb, realm: "default", key: newKey()}
	a, b := w.node(), w.node()
	a.listen(t, rdb)

	old, newer := w.login("bob", "old"), w.login("bob", "new")
	old.LoginTime, newer.LoginTime = at(1), at(2)
	old.Browser, newer.Browser = "x", "y"
	old = a.mustLive(t, Claim{Login: old})
	newer = b.mustLive(t, Claim{Login: newer, ByDevice: true})
	want(t, "old", b.lookup(t, old.Token), Dead, ReasonDisplaced)
	stale := w.login("bob", "stale")
	stale.LoginTime = at(1)
	wantOutcome(t, "stale", b.claim(t, Claim{Login: stale}), OutcomeStale)
	refreshed := w.login("bob", "refreshed")
	wantOutcome(t, "refresh", a.claim(t, Claim{Login: refreshed, Predecessor: newer.Token}), OutcomeRotated)
	unseen := w.login("bob", "unseen")
	unseen.Browser = "x"
	wantOutcome(t, "by device", a.claim(t, Claim{Login: unseen, ByDevice: true}), OutcomeDead)

	w.flush(t)
	want(t, "restored", b.lookup(t, newer.Token), Live, "")
	want(t, "tombstone restored", w.node().lookup(t, old.Token), Unknown, "") // its token's key is gone
	wantOutcome(t, "old", b.claim(t, Claim{Login: old}), OutcomeDead)

	same := w.login("bob", "same browser")
	same.Browser = "y"
	a.mustLive(t, Claim{Login: same})
	v := a.touch(t, newer)
	want(t, "superseded", v, Dead, ReasonSuperseded)
	for _, silent := range []bool{true, false} {
		if got, err := a.Returned(t.Context(), v); err != nil || got != silent {
			t.Fatalf("silent %v, %v", got, err)
		}
	}
	if vs := mustRevoke(t, a, "bob", All()); len(vs) != 1 {
		t.Fatalf("ended %+v", vs)
	}
}
