package session

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wsgate/wsgate/core/token"
)

// checked is a history that is compared with the model at every step.
type checked struct {
	*history
	m *model
	t *testing.T
}

// TestInvariant03And11Histories compares every step with the model while Redis
// loses nothing, whatever happens to events and nodes, and however time goes by.
// `make histories` runs more of them.
func TestInvariant03And11Histories(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, o := range historyPolicies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := w.under(o)
			rapid.Check(t, func(rt *rapid.T) { compare(t, rt, w.history(rt, 3)) })
		})
	}
}

// compare runs a history beside the model.
func compare(t *testing.T, rt *rapid.T, h *history) {
	c := &checked{h, newModel(h.nodes[0].policy), t}
	rt.Repeat(c.steps())
	c.settled(rt)
	// Nobody was closed who is live.
	for _, n := range c.nodes {
		for k := range n.hub.Logins() {
			l := k.Login()
			if live := c.m.account(l.Account).live[l.Identity]; live == nil || live.sid != l.SID {
				rt.Fatalf("socket of %s which is not live", l.Identity.Short())
			}
		}
	}
}

func (c *checked) steps() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"claim":       func(rt *rapid.T) { c.claimed(rt, c.drawClaim(rt)) },
		"claim more":  func(rt *rapid.T) { c.claimed(rt, c.drawClaim(rt)) },
		"take over":   func(rt *rapid.T) { c.claimed(rt, c.drawTakeover(rt)) },
		"lookup":      c.lookup,
		"touch":       c.touch,
		"return":      c.comeBack,
		"release":     c.release,
		"revoke":      c.revoke,
		"reconcile":   c.reconcile,
		"deliver":     c.deliver,
		"crash":       c.crash,
		"time passes": c.pass,
		"":            c.check,
	}
}

// check compares all that is live.
func (c *checked) check(rt *rapid.T) {
	for a, infos := range c.live(rt) {
		got := listed(slices.Values(infos), func(in Info) (Identity, string, bool) { return in.Identity, in.SID, in.Exempt })
		if want := c.m.account(a).logins(); got != want {
			rt.Fatalf("live of %s: %s\nwant: %s", a, got, want)
		}
	}
}

func (c *checked) verdict(rt *rapid.T, what string, v Verdict, account string, id Identity) {
	s, why := c.m.status(account, id)
	if v.Status != s || v.Reason != why {
		rt.Fatalf("%s: %v %q, want %v %q", what, v.Status, v.Reason, s, why)
	}
	d := c.m.account(account).dead[id]
	if s != Dead || what == "claim" {
		return
	}
	since := c.m.now - d.ended
	if reads := d.reason == ReasonDisplaced && d.by != "" && since < c.m.policy.grace && d.seq > 0; reads == v.GraceUntil.IsZero() {
		rt.Fatalf("%s: may read until %v, %v after its end", what, v.GraceUntil, since)
	}
	if silent := d.reason == ReasonSuperseded && since < time.Minute; silent == v.SilentUntil.IsZero() {
		rt.Fatalf("%s: silent until %v, %v after its end", what, v.SilentUntil, since)
	}
	if d.by != v.By.SID {
		rt.Fatalf("%s: displaced by %q, want %q", what, v.By.SID, d.by)
	}
}

func (c *checked) claimed(rt *rapid.T, cl Claim) {
	want := c.m.claim(cl, loginTimeOf(cl))
	res := c.claim(rt, c.node(rt), cl)
	if res.Outcome != want.outcome || res.Flap != want.flap {
		rt.Fatalf("claim: %v, flap %v, want %v, %v", res.Outcome, res.Flap, want.outcome, want.flap)
	}
	a := c.m.account(cl.Account)
	if res.Outcome == OutcomeDenied {
		if res.Ticket == "" || len(res.Holders) == 0 {
			rt.Fatalf("denied without a ticket or holders")
		}
		c.m.tickets[res.Ticket] = &modelTicket{id: want.id, browser: cl.Browser, ends: c.m.now + time.Minute}
	} else if d := a.dead[want.id]; d == nil || !d.waits {
		c.verdict(rt, "claim", res.Verdict(), cl.Account, want.id)
	}
	if live := a.live[want.id]; res.Live() && (res.Login.SID != live.sid || res.Login.Seq != live.seq || res.Login.Identity != live.id) {
		rt.Fatalf("admitted as %s %d, want %s %d", res.Login.SID, res.Login.Seq, live.sid, live.seq)
	}
	got := map[string]Reason{}
	for _, v := range res.Displaced {
		got[v.SID] = v.Reason
	}
	ended := map[string]Reason{}
	for _, d := range want.displaced {
		ended[d.sid] = d.reason
	}
	if !maps.Equal(got, ended) {
		rt.Fatalf("displaced %v, want %v", got, ended)
	}
	// Invariants 8 and 17, whatever the model says.
	if len(got) > 0 && (res.Outcome != OutcomeLive || cl.Exempt) {
		rt.Fatalf("%v, exempt %v, displaced %v", res.Outcome, cl.Exempt, got)
	}
}

func (c *checked) lookup(rt *rapid.T) {
	if len(c.tokens) == 0 {
		rt.Skip()
	}
	fp := c.drawToken(rt)
	to := c.m.routes[fp]
	v := c.node(rt).lookup(rt, fp)
	c.m.touch(to.account, to.id, "")
	c.verdict(rt, "lookup", v, to.account, to.id)
}

func (c *checked) touch(rt *rapid.T) {
	cl := c.drawClaim(rt)
	cl.Token = token.Fingerprint{} // it may lead to another login
	cl.Login.Seq, cl.Login.SID = 0, ""
	v := c.node(rt).touch(rt, cl.Login)
	c.m.touch(cl.Account, cl.Identity, cl.Browser)
	c.verdict(rt, "touch", v, cl.Account, cl.Identity)
}

// comeBack has a superseded login's page reconnect.
func (c *checked) comeBack(rt *rapid.T) {
	cl := c.drawClaim(rt)
	silent, err := c.node(rt).Returned(context.Background(), Verdict{Account: cl.Account, Identity: cl.Identity})
	if want := c.m.returned(cl.Account, cl.Identity); err != nil || silent != want {
		rt.Fatalf("return: silent %v, %v, want %v", silent, err, want)
	}
}

func (c *checked) release(rt *rapid.T) {
	if len(c.tokens) == 0 {
		rt.Skip()
	}
	n := c.node(rt)
	v, ok := n.Verdicts().Get(c.drawToken(rt)) // may be out of date
	if !ok || v.Account == "" {
		rt.Skip()
	}
	mustRelease(rt, n, v)
	c.m.revoke(v.Account, ReasonLogout, func(l *modelLogin) bool { return l.id == v.Identity && l.sid == v.SID })
}

func (c *checked) revoke(rt *rapid.T) {
	account := rapid.SampledFrom(historyAccounts).Draw(rt, "account")
	sid := "unknown"
	if len(c.last) > 0 {
		sid = c.last[rapid.IntRange(0, len(c.last)-1).Draw(rt, "sid")].SID
	}
	s := rapid.SampledFrom([]Selector{One(sid), One(sid), All(), AllBut(sid)}).Draw(rt, "selector")
	vs := mustRevoke(rt, c.node(rt), account, s)
	n := c.m.revoke(account, ReasonKicked, func(l *modelLogin) bool {
		return s.which == "all" || (s.which == "sid") == (l.sid == sid)
	})
	if len(vs) != n {
		rt.Fatalf("revoke %v ended %d, want %d", s, len(vs), n)
	}
}

func (c *checked) reconcile(rt *rapid.T) {
	n := c.node(rt)
	for k := range n.hub.Logins() {
		l := k.Login()
		c.m.touch(l.Account, l.Identity, l.Browser)
	}
	n.pass(rt)
}

// pass keeps within the two hours that every tombstone lasts.
func (c *checked) pass(rt *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{40 * time.Second, 80 * time.Second}).Draw(rt, "for")
	if c.m.now += d; c.m.now > time.Hour {
		rt.Skip()
	}
	c.at(c.t, c.m.now)
}

// TestHistoriesWithFaults has Redis flushed, restarted, or put back to an earlier
// state as a failover to a lagging replica does, and nodes that forget. One reconcile
// later nobody has more than he may.
func TestHistoriesWithFaults(t *testing.T) {
	t.Parallel()
	for name, o := range historyPolicies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).under(o)
			rapid.Check(t, func(rt *rapid.T) { faulty(t, rt, w.history(rt, 3)) })
		})
	}
}

func faulty(t *testing.T, rt *rapid.T, h *history) {
	var lagging map[string]string
	var now time.Duration
	fresh := 0
	rt.Repeat(map[string]func(*rapid.T){
		"claim":     func(rt *rapid.T) { h.claim(rt, h.node(rt), h.drawClaim(rt)) },
		"take over": func(rt *rapid.T) { h.claim(rt, h.node(rt), h.drawTakeover(rt)) },
		"new login": func(rt *rapid.T) {
			fresh++
			account := rapid.SampledFrom(historyAccounts).Draw(rt, "account")
			res := h.claim(rt, h.node(rt), Claim{Login: h.w.login(account, fmt.Sprint("fresh ", fresh))})
			if res.Outcome != OutcomeLive && (!h.w.policy.Oldest || res.Outcome != OutcomeDenied) {
				rt.Fatalf("a genuinely new login: %v", res.Outcome)
			}
		},
		"lookup": func(rt *rapid.T) {
			if len(h.tokens) == 0 {
				rt.Skip()
			}
			n, fp := h.node(rt), h.drawToken(rt)
			insist(rt, func() error { _, err := n.Lookup(context.Background(), fp, ""); return err })
		},
		"deliver":   h.deliver,
		"flush":     func(rt *rapid.T) { h.w.flush(rt) },
		"replicate": func(rt *rapid.T) { lagging = h.w.dump(rt) },
		"failover": func(rt *rapid.T) {
			if lagging == nil {
				rt.Skip()
			}
			h.w.undump(rt, lagging)
		},
		"restart":     h.restart,
		"crash":       h.crash,
		"time passes": func(*rapid.T) { now += 40 * time.Second; h.at(t, now) },
		"reconcile": func(rt *rapid.T) {
			n := h.node(rt)
			rec := NewReconciler(n.Registry, n.hub, 0)
			if rapid.Bool().Draw(rt, "looking") {
				rec.turn = 1 // none of those that touch all
			}
			insist(rt, func() error { return rec.Pass(context.Background()) })
		},
		"": h.withinLimits,
	})
	h.settled(rt)
}

// restart loses what a restart of Redis without persistence does: data, scripts and
// connections. Now and then it is one.
func (h *history) restart(rt *rapid.T) {
	if one(rt, 30, "kill") {
		h.tap.close()
		h.w.redis.Kill()
		h.w.redis.Start()
		h.tap = h.w.tap(rt, h.nodes[0])
		return
	}
	h.w.flush(rt)
	for _, cmd := range [][]any{{"SCRIPT", "FLUSH"}, {"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}} {
		insist(rt, func() error { return h.w.rdb.Do(context.Background(), cmd...).Err() })
	}
}
