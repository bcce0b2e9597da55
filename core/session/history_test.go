package session

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/wsgate/wsgate/core/token"
)

// history runs random steps over several nodes of one realm.
type history struct {
	w     *world
	nodes []*node
	next  func() [][]byte // events since the last call
	queue [][][]byte      // of each node: events not yet delivered

	tokens []token.Fingerprint // that were ever claimed
	last   []Claim             // to be retried
}

var historyAccounts = []string{"bob", "bob2"}

func newHistory(t *testing.T, w *world, nodes int) *history {
	h := &history{w: w}
	for range nodes {
		h.nodes = append(h.nodes, w.node())
	}
	h.next = w.capture(t, h.nodes[0])
	h.queue = make([][][]byte, nodes)
	return h
}

func (h *history) node(rt *rapid.T) *node {
	return h.nodes[rapid.IntRange(0, len(h.nodes)-1).Draw(rt, "node")]
}

// collect queues what was published for every node.
func (h *history) collect() {
	for _, p := range h.next() {
		for i := range h.queue {
			h.queue[i] = append(h.queue[i], p)
		}
	}
}

// deliver hands a node one of its events, in any order; or drops it, or hands it
// over and keeps it.
func (h *history) deliver(rt *rapid.T) {
	h.collect()
	n := rapid.IntRange(0, len(h.nodes)-1).Draw(rt, "to")
	q := h.queue[n]
	if len(q) == 0 {
		return
	}
	i := rapid.IntRange(0, len(q)-1).Draw(rt, "event")
	what := rapid.SampledFrom([]string{"deliver", "drop", "again"}).Draw(rt, "fate")
	if what != "drop" {
		h.nodes[n].HandleEvent(q[i])
	}
	if what != "again" {
		h.queue[n] = append(q[:i:i], q[i+1:]...)
	}
}

// drawClaim makes a claim of a login that may be known or not.
func (h *history) drawClaim(rt *rapid.T) (Claim, int64) {
	if len(h.last) > 0 && rapid.IntRange(0, 5).Draw(rt, "retry") == 0 {
		c := h.last[rapid.IntRange(0, len(h.last)-1).Draw(rt, "which")]
		return c, loginTimeOf(c)
	}
	account := rapid.SampledFrom(historyAccounts).Draw(rt, "account")
	session := rapid.IntRange(0, 4).Draw(rt, "session")
	l := h.w.login(account, fmt.Sprint(session))
	l.Token = h.w.token(fmt.Sprint(account, " ", session, " ", rapid.IntRange(0, 2).Draw(rt, "token")))
	l.Browser = rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "browser")
	if lt := rapid.Int64Range(0, 3).Draw(rt, "login time"); lt > 0 {
		l.LoginTime = at(lt)
	}
	l.SID = random()
	c := Claim{
		Login:    l,
		Observed: rapid.IntRange(0, 4).Draw(rt, "observed") == 0,
		ByDevice: rapid.Bool().Draw(rt, "by device"),
	}
	if len(h.tokens) > 0 && rapid.IntRange(0, 3).Draw(rt, "refreshed") == 0 {
		c.Predecessor = h.drawToken(rt)
		c.Observed = false
	}
	return c, loginTimeOf(c)
}

func loginTimeOf(c Claim) int64 {
	if c.LoginTime.IsZero() {
		return 0
	}
	return c.LoginTime.Unix()
}

func (h *history) drawToken(rt *rapid.T) token.Fingerprint {
	return h.tokens[rapid.IntRange(0, len(h.tokens)-1).Draw(rt, "token")]
}

func (h *history) claim(rt *rapid.T, n *node, c Claim) Result {
	res, err := n.Claim(context.Background(), c)
	if err != nil {
		rt.Fatalf("claim: %v", err)
	}
	h.tokens, h.last = append(h.tokens, c.Token), append(h.last, c)
	if res.Live() {
		n.hub.attach(res.Login)
	}
	return res
}

// settled: one reconcile later no node has a socket of a login that is not live.
func (h *history) settled(rt *rapid.T) {
	// Restores of one pass may end logins that another node has just checked.
	for range 2 {
		for _, n := range h.nodes {
			if err := NewReconciler(n.Registry, n.hub, 0).Pass(context.Background()); err != nil {
				rt.Fatal(err)
			}
		}
	}
	live := map[string]Identity{}
	for _, n := range h.nodes {
		for l := range n.hub.Logins() {
			if v := n.touch(rt, l); v.Status != Live || v.SID != l.SID {
				rt.Fatalf("socket of %v login %s of %s", v.Status, l.Identity.Short(), l.Account)
			}
			if other, ok := live[l.Account]; ok && other != l.Identity {
				rt.Fatalf("sockets of two logins of %s", l.Account)
			}
			live[l.Account] = l.Identity
		}
	}
	h.atMostOne(rt)
}

func (h *history) atMostOne(rt *rapid.T) {
	for _, a := range historyAccounts {
		if n := h.w.live(rt, h.nodes[0], a); n > 1 {
			rt.Fatalf("%s has %d live logins", a, n)
		}
	}
}

var realms int

func (w *world) history(t *testing.T, nodes int) *history {
	realms++
	return newHistory(t, w.in(fmt.Sprint("realm ", realms)), nodes)
}

// TestInvariant03And11Histories compares every step with the model while Redis
// loses nothing, whatever happens to events.
func TestInvariant03And11Histories(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		h, m := w.history(t, 3), newModel()
		check := func(what string, v Verdict, account string, id Identity) {
			s, why := m.status(account, id)
			if v.Status != s || v.Reason != why {
				rt.Fatalf("%s: %v %q, want %v %q", what, v.Status, v.Reason, s, why)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"claim": func(rt *rapid.T) {
				c, lt := h.drawClaim(rt)
				before := m.account(c.Account).live
				out, about := m.claim(c, lt)
				res := h.claim(rt, h.node(rt), c)
				if res.Outcome != out {
					rt.Fatalf("claim: %v, want %v", res.Outcome, out)
				}
				check("claim", res.Verdict(), c.Account, about)
				now := m.account(c.Account).live
				if out == OutcomeLive {
					if res.Login.SID != now.sid || res.Login.Seq != now.seq {
						rt.Fatalf("admitted as %s %d, want %s %d", res.Login.SID, res.Login.Seq, now.sid, now.seq)
					}
					if (len(res.Displaced) == 1) != (before != nil) {
						rt.Fatalf("displaced %d", len(res.Displaced))
					}
				} else if len(res.Displaced) > 0 {
					rt.Fatalf("%v displaced %+v", out, res.Displaced)
				}
			},
			"lookup": func(rt *rapid.T) {
				if len(h.tokens) == 0 {
					rt.Skip()
				}
				fp := h.drawToken(rt)
				rtm := m.routes[fp]
				check("lookup", h.node(rt).lookup(rt, fp), rtm.account, rtm.id)
			},
			"touch": func(rt *rapid.T) {
				c, _ := h.drawClaim(rt)
				c.Token = token.Fingerprint{} // it may lead to another login
				v := h.node(rt).touch(rt, c.Login)
				check("touch", v, c.Account, c.Identity)
				if l := m.account(c.Account).live; l != nil && l.id == c.Identity && l.browser == "" {
					l.browser = c.Browser
				}
			},
			"release": func(rt *rapid.T) {
				if len(h.tokens) == 0 {
					rt.Skip()
				}
				n := h.node(rt)
				v, ok := n.Verdicts().Get(h.drawToken(rt)) // may be out of date
				if !ok || v.Account == "" {
					rt.Skip()
				}
				mustRelease(rt, n, v)
				if a := m.account(v.Account); a.live != nil && a.live.id == v.Identity && a.live.sid == v.SID {
					a.bury(a.live, ReasonLogout)
				}
			},
			"revoke": func(rt *rapid.T) {
				a := m.account("bob")
				sid := "unknown"
				if a.live != nil && rapid.Bool().Draw(rt, "live") {
					sid = a.live.sid
				}
				s := rapid.SampledFrom([]Selector{One(sid), All(), AllBut(sid)}).Draw(rt, "selector")
				hit := a.live != nil && (s.which == "all" || (s.which == "sid") == (sid == a.live.sid))
				if vs := mustRevoke(rt, h.node(rt), "bob", s); (len(vs) == 1) != hit {
					rt.Fatalf("revoke %v ended %+v", s, vs)
				}
				if hit {
					a.bury(a.live, ReasonKicked)
				}
			},
			"deliver": h.deliver,
			"":        h.atMostOne,
		})
		h.settled(rt)
		// Nobody was closed who is live.
		for name, a := range m.accounts {
			for _, n := range h.nodes {
				for l := range n.hub.Logins() {
					if l.Account == name && (a.live == nil || a.live.id != l.Identity) {
						rt.Fatalf("socket of %s which is not live", l.Identity.Short())
					}
				}
			}
		}
	})
}

// TestHistoriesWithFaults has Redis flushed, or put back to an earlier state as a
// failover to a lagging replica does, and nodes that forget.
func TestHistoriesWithFaults(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		h := w.history(t, 3)
		var lagging map[string]string
		fresh := 0
		rt.Repeat(map[string]func(*rapid.T){
			"claim": func(rt *rapid.T) {
				c, _ := h.drawClaim(rt)
				h.claim(rt, h.node(rt), c)
			},
			"new login": func(rt *rapid.T) {
				fresh++
				account := rapid.SampledFrom(historyAccounts).Draw(rt, "account")
				res := h.claim(rt, h.node(rt), Claim{Login: w.login(account, fmt.Sprint("fresh ", fresh))})
				if res.Outcome != OutcomeLive {
					rt.Fatalf("a genuinely new login: %v", res.Outcome)
				}
			},
			"lookup": func(rt *rapid.T) {
				if len(h.tokens) == 0 {
					rt.Skip()
				}
				h.node(rt).lookup(rt, h.drawToken(rt))
			},
			"deliver":   h.deliver,
			"flush":     func(rt *rapid.T) { w.flush(rt) },
			"replicate": func(rt *rapid.T) { lagging = w.dump(rt) },
			"failover": func(rt *rapid.T) {
				if lagging == nil {
					rt.Skip()
				}
				w.undump(rt, lagging)
			},
			"restart a node": func(rt *rapid.T) {
				h.nodes[rapid.IntRange(0, len(h.nodes)-1).Draw(rt, "node")] = h.w.node()
			},
			"reconcile": func(rt *rapid.T) { h.node(rt).pass(rt) },
			"":          h.atMostOne,
		})
		h.settled(rt)
	})
}
