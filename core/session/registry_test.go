package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/redisconn"

	"github.com/wsgate/wsgate/core/token"
)

func TestStale(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	claim := func(account, name string, lt int64, observed bool) Claim {
		l := w.login(account, name)
		if lt > 0 {
			l.LoginTime = at(lt)
		}
		return Claim{Login: l, Observed: observed}
	}
	for name, tc := range map[string]struct {
		holder, newcomer int64
		observed         bool
		want             Outcome
	}{
		"older":               {100, 99, false, OutcomeStale},
		"equal":               {100, 100, false, OutcomeLive},
		"newer":               {100, 101, false, OutcomeLive},
		"holder has none":     {0, 1, false, OutcomeLive},
		"newcomer has none":   {100, 0, false, OutcomeLive},
		"older, but observed": {100, 99, true, OutcomeLive},
	} {
		holder := a.mustLive(t, claim(name, "holder", tc.holder, false))
		c := claim(name, "newcomer", tc.newcomer, tc.observed)
		c.SID = "newcomer's"
		res := a.claim(t, c)
		wantOutcome(t, name, res, tc.want)
		if tc.want == OutcomeStale {
			want(t, name, res.Verdict(), Dead, ReasonStale)
			want(t, name, a.lookup(t, c.Token), Dead, ReasonStale)
			want(t, name, a.touch(t, holder), Live, "")
			wantOutcome(t, name+": retry", a.claim(t, c), OutcomeStale)
			c.SID = ""
			wantOutcome(t, name+": again", a.claim(t, c), OutcomeDead)
		} else {
			want(t, name, a.touch(t, holder), Dead, ReasonDisplaced)
		}
	}
}

func TestSuperseded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	ctx := context.Background()
	old, newer := w.login("bob", "old"), w.login("bob", "new")
	old.Browser, newer.Browser = "browser", "browser"
	a.mustLive(t, Claim{Login: old})
	res := b.claim(t, Claim{Login: newer})
	if len(res.Displaced) != 1 || res.Displaced[0].Reason != ReasonSuperseded {
		t.Fatalf("displaced: %+v", res.Displaced)
	}
	v := a.lookup(t, old.Token)
	want(t, "old", v, Dead, ReasonSuperseded)
	for who, v := range map[string]Verdict{"asked": v, "told": res.Displaced[0]} {
		if left := time.Until(v.SilentUntil); left < 50*time.Second || left > 60*time.Second {
			t.Fatalf("%s: requests pass for %v", who, left)
		}
	}
	for i, want := range []bool{true, false, false} {
		silent, err := []*node{a, b, a}[i].Returned(ctx, v)
		if err != nil || silent != want {
			t.Fatalf("return %d: silent %v, %v", i+1, silent, err)
		}
	}
	// A return of any other login is never silent.
	for _, l := range []Login{newer, w.login("bob", "unknown")} {
		if silent, err := a.Returned(ctx, Verdict{Account: l.Account, Identity: l.Identity}); err != nil || silent {
			t.Fatalf("silent %v, %v", silent, err)
		}
	}
}

func TestBrowsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	for name, tc := range map[string]struct {
		claimed, touched, newer string
		want                    Reason
	}{
		"both unknown":         {"", "", "", ReasonDisplaced},
		"one unknown":          {"x", "", "", ReasonDisplaced},
		"different":            {"x", "", "y", ReasonDisplaced},
		"same":                 {"x", "", "x", ReasonSuperseded},
		"filled in by a touch": {"", "x", "x", ReasonSuperseded},
		"kept by a touch":      {"x", "", "x", ReasonSuperseded},
	} {
		old, newer := w.login(name, "old"), w.login(name, "new")
		old.Browser, newer.Browser = tc.claimed, tc.newer
		a.mustLive(t, Claim{Login: old})
		old.Browser = tc.touched
		a.touch(t, old)
		a.mustLive(t, Claim{Login: newer})
		want(t, name, a.touch(t, old), Dead, tc.want)
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	l := a.mustLive(t, Claim{Login: w.login("bob", "one")})
	for _, s := range []Selector{One("unknown"), AllBut(l.SID)} {
		if vs := mustRevoke(t, a, "bob", s); len(vs) != 0 {
			t.Fatalf("%v ended %+v", s, vs)
		}
	}
	want(t, "spared", a.touch(t, l), Live, "")
	vs := mustRevoke(t, a, "bob", AllBut("unknown"))
	if len(vs) != 1 || vs[0].SID != l.SID || vs[0].Account != "bob" {
		t.Fatalf("ended %+v", vs)
	}
	if a.hub.has(l.Identity) {
		t.Fatal("socket still open")
	}
	want(t, "kicked", a.touch(t, l), Dead, ReasonKicked)
	if vs := mustRevoke(t, a, "bob", All()); len(vs) != 0 {
		t.Fatalf("ended twice: %+v", vs)
	}
	if vs := mustRevoke(t, a, "nobody", All()); len(vs) != 0 {
		t.Fatalf("ended %+v", vs)
	}
}

func TestClaimsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	c := Claim{Login: w.login("bob", "one")}
	var err error
	n := 0
	for ; err == nil && n < 2*claimsPerMinute+1; n++ {
		_, err = a.Claim(context.Background(), c)
	}
	// The minute may have turned once.
	if !errors.Is(err, ErrTooManyClaims) || n <= claimsPerMinute {
		t.Fatalf("after %d claims: %v", n, err)
	}
	a.mustLive(t, Claim{Login: w.login("amy", "one")})
}

func TestTombstonesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	ctx := context.Background()
	l := a.mustLive(t, Claim{Login: w.login("bob", "one")})
	hash, _ := a.keys.hash("bob")
	keys := a.keys.account(hash)
	now := time.Now().UnixMilli()
	pipe := w.rdb.Pipeline()
	for i := range 4096 {
		id := w.token(fmt.Sprint("dead ", i)).String()
		pipe.HSet(ctx, keys[2], id, `{"s":"x","r":"displaced"}`)
		pipe.Do(ctx, "ZADD", keys[3], now+3_600_000, id)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	newer := w.login("bob", "two")
	wantOutcome(t, "full", a.claim(t, Claim{Login: newer}), OutcomeDenied)
	want(t, "holder", a.touch(t, l), Live, "")
	wantOutcome(t, "second tab", a.claim(t, Claim{Login: l}), OutcomeSame)
	if n := w.rdb.HLen(ctx, keys[2]).Val(); n != 4096 {
		t.Fatalf("%d tombstones", n)
	}
	// 100 of them end: 64 are pruned by one call, the others by the next.
	for i := range 100 {
		w.rdb.Do(ctx, "ZADD", keys[3], now-1, w.token(fmt.Sprint("dead ", i)).String())
	}
	wantOutcome(t, "room again", a.claim(t, Claim{Login: newer}), OutcomeLive)
	if n := w.rdb.HLen(ctx, keys[2]).Val(); n != 4096-64+1 {
		t.Fatalf("%d tombstones after one call", n)
	}
	a.claim(t, Claim{Login: newer})
	if n := w.rdb.HLen(ctx, keys[2]).Val(); n != 4096-100+1 {
		t.Fatalf("%d tombstones after two", n)
	}
}

func TestTombstoneEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	ctx := context.Background()
	hash, _ := a.keys.hash("bob")
	keys := a.keys.account(hash)
	for name, tc := range map[string]struct{ expires, want time.Duration }{
		"unknown": {0, DefaultRemember},
		"soon":    {time.Minute, 2 * time.Hour},
		"past":    {-time.Hour, 2 * time.Hour},
		"late":    {40 * 24 * time.Hour, 40 * 24 * time.Hour},
	} {
		l := w.login("bob", name)
		if tc.expires != 0 {
			l.Expires = time.Now().Add(tc.expires)
		}
		a.mustLive(t, Claim{Login: l})
		a.mustLive(t, Claim{Login: w.login("bob", "after "+name)})
		score := w.rdb.Do(ctx, "ZSCORE", keys[3], l.Identity.String()).Val()
		life := time.Until(time.UnixMilli(atoi(fmt.Sprint(score))))
		if life < tc.want-time.Minute || life > tc.want+time.Minute {
			t.Errorf("%s: tombstone lives %v, want %v", name, life, tc.want)
		}
		for _, k := range keys {
			if ttl := w.rdb.PTTL(ctx, k).Val(); ttl < life-time.Minute {
				t.Errorf("%s: %s lives %v only", name, k, ttl)
			}
		}
	}
	// Its end lets the identity be a login again.
	old := w.login("bob", "soon")
	w.rdb.Do(ctx, "ZADD", keys[3], time.Now().UnixMilli()-1, old.Identity.String())
	fresh := w.node()
	want(t, "ended", fresh.lookup(t, old.Token), Unknown, "")
	wantOutcome(t, "ended", fresh.claim(t, Claim{Login: old}), OutcomeLive)
}

func TestScriptsAreReloaded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	ctx := context.Background()
	l := w.login("bob", "one")
	for i := range 3 {
		if err := w.rdb.ScriptFlush(ctx).Err(); err != nil {
			t.Fatal(err)
		}
		switch i {
		case 0:
			a.mustLive(t, Claim{Login: l})
		case 1:
			want(t, "lookup", a.lookup(t, l.Token), Live, "")
		case 2:
			mustRevoke(t, a, "bob", All())
		}
	}
}

// lossy loses the reply to the next command that contains a text.
type lossy struct {
	net.Conn
	arm *atomic.Pointer[string]
	cut atomic.Bool
}

func (c *lossy) Write(p []byte) (int, error) {
	if s := c.arm.Load(); s != nil && strings.Contains(string(p), *s) && c.arm.CompareAndSwap(s, nil) {
		c.cut.Store(true)
	}
	return c.Conn.Write(p)
}

func (c *lossy) Read(p []byte) (int, error) {
	if c.cut.Load() {
		_, _ = c.Conn.Read(p) // executed, but nobody hears
		_ = c.Conn.Close()
		return 0, net.ErrClosed
	}
	return c.Conn.Read(p)
}

func TestInvariant06LostReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var arm atomic.Pointer[string]
	a := w.nodeOn(open(t, w.redis, func(dial redisconn.DialFunc) redisconn.DialFunc {
		return func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &lossy{Conn: c, arm: &arm}, nil
		}
	}))
	old := a.mustLive(t, Claim{Login: w.login("bob", "old")})
	events := w.countEvents(t, a)
	arm.Store(&a.lua.claim.sha)
	for _, observed := range []bool{true, false} {
		res := a.claim(t, Claim{Login: w.login("bob", fmt.Sprint("new ", observed)), Observed: observed})
		if observed {
			wantOutcome(t, "retried", res, OutcomeSame)
		}
		if arm.Load() != nil {
			t.Fatal("no reply was lost")
		}
		if n := events(); n != 1 {
			t.Fatalf("%d events", n)
		}
	}
	want(t, "old", a.touch(t, old), Dead, ReasonDisplaced)
	if n := w.live(t, a, "bob"); n != 1 {
		t.Fatalf("%d live", n)
	}
}

func TestCallsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	l := a.mustLive(t, Claim{Login: w.login("bob", "one")})
	v := a.touch(t, l)
	w.redis.Pause()
	defer w.redis.Resume()
	for name, f := range map[string]func(context.Context) error{
		"claim":  func(ctx context.Context) error { _, err := a.Claim(ctx, Claim{Login: l}); return err },
		"lookup": func(ctx context.Context) error { _, err := w.node().Lookup(ctx, l.Token, ""); return err },
		"touch":  func(ctx context.Context) error { _, err := a.Touch(ctx, []Login{l}); return err },
		"idle": func(ctx context.Context) error {
			_, err := a.Idle(ctx, []Use{{Account: "bob", Identity: l.Identity}})
			return err
		},
		"returned": func(ctx context.Context) error { _, err := a.Returned(ctx, v); return err },
		"release":  func(ctx context.Context) error { return a.Release(ctx, v) },
		"revoke":   func(ctx context.Context) error { _, err := a.Revoke(ctx, "bob", All(), ReasonKicked); return err },
		"realm":    func(ctx context.Context) error { _, err := a.CheckRealm(ctx, l.Identity, l.Identity); return err },
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		start := time.Now()
		err := f(ctx)
		cancel()
		if err == nil || !strings.HasPrefix(err.Error(), "session: ") {
			t.Errorf("%s: %v", name, err)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("%s: took %v", name, d)
		}
	}
}

func TestCheckRealm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.node(), w.node()
	ctx := context.Background()
	mine, other := w.key.Label("backend", "http://one"), w.key.Label("backend", "http://two")
	for i, tc := range []struct {
		n  *node
		is bool
	}{{a, true}, {b, true}, {a, true}} {
		if ok, err := tc.n.CheckRealm(ctx, mine, token.Fingerprint{}); err != nil || ok != tc.is {
			t.Fatalf("%d: %v, %v", i, ok, err)
		}
	}
	if ok, err := b.CheckRealm(ctx, other, token.Fingerprint{}); err != nil || ok {
		t.Fatalf("another backend: %v, %v", ok, err)
	}
	if ok, err := w.in("other").node().CheckRealm(ctx, other, token.Fingerprint{}); err != nil || !ok {
		t.Fatalf("another realm: %v, %v", ok, err)
	}
	// Nodes with different secrets share no key, and must still find out.
	ow := *w
	ow.key = newKeyOf("another secret")
	if ok, err := ow.node().CheckRealm(ctx, ow.key.Label("backend", "http://one"), token.Fingerprint{}); err != nil || ok {
		t.Fatalf("another secret: %v, %v", ok, err)
	}
	// A reload has changed the secret of the node that had the realm.
	moved := ow.key.Label("backend", "http://one")
	if ok, err := ow.node().CheckRealm(ctx, moved, mine); err != nil || !ok {
		t.Fatalf("a changed secret: %v, %v", ok, err)
	}
	if ok, err := a.CheckRealm(ctx, mine, mine); err != nil || ok {
		t.Fatalf("a node that has the secret of before: %v, %v", ok, err)
	}
}

// Nothing that a client sent, but its address and browser's name, is in Redis.
func TestNothingSecretInRedis(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.node()
	const canary = "canary"
	raw := mustToken(t, canary+"-opaque-token")
	for i, account := range []string{"bob", "amy"} {
		l := Login{Account: account, Identity: IdentityOf(w.key, account, canary+"-session", raw), Token: w.key.Fingerprint(raw)}
		if i == 1 {
			l.Identity = IdentityOf(w.key, account, "", raw)
		}
		a.mustLive(t, Claim{Login: l})
		a.mustLive(t, Claim{Login: w.login(account, "newer")})
	}
	for k, v := range w.dump(t) {
		if strings.Contains(k, canary) || strings.Contains(v, canary) {
			t.Fatalf("key %q holds the canary", k)
		}
	}
}
