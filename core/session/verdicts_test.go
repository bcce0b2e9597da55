package session

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsgate/wsgate/core/token"
)

func fp(n int) token.Fingerprint {
	return token.Fingerprint{byte(n), byte(n >> 8), byte(n >> 16), 1}
}

func viewOf(id Identity, s Status, epoch string, seq int64, sid string) *view {
	now := time.Now()
	w := &view{Status: s, Account: "bob", Identity: id, SID: sid, Epoch: epoch, Seq: seq, raw: "{}"}
	w.fresh.set(now.Add(liveFor))
	if s == Dead {
		w.fresh.set(now.Add(deadFor))
		w.death = &death{verdict: w.verdict(), ends: now.Add(time.Hour)}
	}
	return w
}

func TestVerdictsServeForTheirTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, tc := range []struct {
			s Status
			d time.Duration
		}{{Live, 2 * time.Second}, {Dead, time.Minute}} {
			d := newVerdicts()
			d.learn("bob's hash", viewOf(fp(1), tc.s, "e", 1, "s"), fp(2))
			time.Sleep(tc.d - time.Nanosecond)
			if v, ok := d.Get(fp(2)); !ok || v.Status != tc.s {
				t.Errorf("%v: %+v, %v", tc.s, v, ok)
			}
			time.Sleep(time.Nanosecond)
			if v, ok := d.Get(fp(2)); ok {
				t.Errorf("%v serves too long: %+v", tc.s, v)
			}
			if _, ok := d.Identity(fp(1)); !ok {
				t.Error("forgotten")
			}
			if _, found, due := d.route(fp(2)); !found || due {
				t.Errorf("route: found %v, due %v", found, due)
			}
			time.Sleep(routeFor)
			if _, found, due := d.route(fp(2)); !found || !due {
				t.Errorf("an hour later: found %v, due %v", found, due)
			}
		}
	})
}

// What overtakes what, whichever way it arrives.
func TestVerdictsKeepTheNewest(t *testing.T) {
	t.Parallel()
	id := fp(1)
	for name, tc := range map[string]struct {
		first, second *view
		wantSecond    bool
	}{
		"ends":                         {viewOf(id, Live, "e", 1, "a"), viewOf(id, Dead, "e", 1, "a"), true},
		"a dead sid never lives again": {viewOf(id, Dead, "e", 1, "a"), viewOf(id, Live, "e", 1, "a"), false},
		"new generation":               {viewOf(id, Dead, "e", 1, "a"), viewOf(id, Live, "e", 3, "b"), true},
		"late death":                   {viewOf(id, Live, "e", 3, "b"), viewOf(id, Dead, "e", 1, "a"), false},
		"late life":                    {viewOf(id, Dead, "e", 3, "b"), viewOf(id, Live, "e", 1, "a"), false},
		"another epoch":                {viewOf(id, Dead, "e", 9, "a"), viewOf(id, Live, "f", 1, "b"), true},
		"stale":                        {viewOf(id, Live, "e", 1, "a"), viewOf(id, Dead, "", 0, "c"), true},
	} {
		d := newVerdicts()
		d.learn("bob's hash", tc.first, token.Fingerprint{})
		now, news := d.learn("bob's hash", tc.second, token.Fingerprint{})
		if (now == tc.second) != tc.wantSecond || news != tc.wantSecond {
			t.Errorf("%s: now %+v, news %v", name, now.verdict(), news)
		}
	}
}

func TestRebornIsAskedAbout(t *testing.T) {
	t.Parallel()
	d := newVerdicts()
	d.learn("bob's hash", viewOf(fp(1), Dead, "e", 1, "a"), fp(2))
	d.reborn(fp(1))
	d.reborn(fp(3))
	if v, ok := d.Get(fp(2)); ok {
		t.Errorf("still serves: %+v", v)
	}
	if n := len(d.dead("bob's hash")); n != 0 {
		t.Errorf("%d tombstones would be put back", n)
	}
	d.learn("bob's hash", viewOf(fp(1), Live, "e", 2, "b"), fp(2))
	d.reborn(fp(1)) // late
	if v, ok := d.Get(fp(2)); !ok || v.Status != Live {
		t.Errorf("the new generation is %+v, %v", v, ok)
	}
}

func TestVerdictsAreBounded(t *testing.T) {
	t.Parallel()
	d := newVerdicts()
	for i := range maxTokens + 1000 {
		d.learn("bob's hash", viewOf(fp(1), Live, "e", 1, "a"), fp(i))
	}
	n := 0
	for i := range d.shards {
		n += len(d.shards[i].m)
	}
	if n > maxTokens {
		t.Errorf("%d tokens", n)
	}
	for i := range maxAccounts + 100 {
		d.learn(fmt.Sprint(i), viewOf(fp(i+2), Dead, "e", 1, "a"), token.Fingerprint{})
	}
	if d.accounts.Len() > maxAccounts || len(d.logins) > maxAccounts {
		t.Errorf("%d accounts, %d logins", d.accounts.Len(), len(d.logins))
	}
	// The evicted account's tokens no longer serve.
	if v, ok := d.Get(fp(maxTokens + 999)); ok {
		t.Errorf("evicted, and serves %+v", v)
	}
	d.learn("bob's hash", viewOf(fp(1), Live, "e", 1, "a"), fp(maxTokens+999))
	if _, ok := d.Get(fp(maxTokens + 999)); !ok {
		t.Error("learnt anew, and does not serve")
	}

	d = newVerdicts()
	d.learn("bob's hash", viewOf(fp(0), Live, "e", 1, "a"), token.Fingerprint{})
	for i := range 10 * MaxRemembered {
		d.learn("bob's hash", viewOf(fp(i+1), Dead, "e", 1, "a"), token.Fingerprint{})
	}
	if len(d.logins) != MaxRemembered {
		t.Errorf("%d logins of one account", len(d.logins))
	}
	if _, ok := d.Identity(fp(0)); !ok {
		t.Error("dead logins evicted the live one")
	}
}

func TestVerdictsConcurrently(t *testing.T) {
	t.Parallel()
	d := newVerdicts()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 2000 {
				id := fp(i % 50)
				switch (i + g) % 5 {
				case 0:
					d.learn(fmt.Sprint(i%7), viewOf(id, Dead, "e", int64(i), fmt.Sprint(i)), id)
				case 1:
					d.learn(fmt.Sprint(i%7), viewOf(id, Live, "e", int64(i), fmt.Sprint(i)), id)
				case 2:
					d.reborn(id)
				case 3:
					d.dead(fmt.Sprint(i % 7))
				default:
					if v, ok := d.Get(id); ok && v.Identity != id {
						t.Errorf("token of %x leads to %x", id[:2], v.Identity[:2])
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestGetAllocatesNothing(t *testing.T) {
	d := newVerdicts()
	d.learn("bob's hash", viewOf(fp(1), Dead, "e", 1, "a"), fp(2))
	if n := testing.AllocsPerRun(100, func() { d.Get(fp(2)); d.Get(fp(3)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
