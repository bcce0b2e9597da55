package session

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wsgate/wsgate/core/token"
)

// history runs random steps over several nodes of one realm.
type history struct {
	w     *world
	flags string // of the scripts: their first line
	lua   *scriptSet
	nodes []*node
	tap   *tap
	queue [][][]byte // of each node: events not yet delivered

	tokens  []token.Fingerprint // that were ever claimed
	last    []Claim             // to be retried
	tickets []Claim             // denied, with the ticket that they got
}

var (
	historyAccounts = []string{"bob", "bob2"}
	historyDevices  = []string{"", "pc", "mobile"}
)

// historyPolicies are those that histories run under, by name.
func historyPolicies() map[string]Options {
	out := map[string]Options{}
	for _, limit := range []int{1, 2, 3} {
		for _, device := range []bool{false, true} {
			per := "account"
			if device {
				per = "device"
			}
			name := fmt.Sprintf("%d per %s", limit, per)
			out["newest "+name] = Options{Limit: limit, PerDevice: device, Grace: time.Duration(limit-1) * time.Minute}
			out["oldest "+name] = Options{Limit: limit, PerDevice: device, Oldest: true}
		}
	}
	return out
}

var realms atomic.Int64

// history begins one in a realm of its own.
func (w *world) history(rt *rapid.T, nodes int) *history {
	h := &history{w: w.in(fmt.Sprint("realm ", realms.Add(1))), lua: scripts}
	for range nodes {
		h.nodes = append(h.nodes, h.start())
	}
	h.tap = h.w.tap(rt, h.nodes[0])
	rt.Cleanup(func() { h.tap.close() })
	h.queue = make([][][]byte, nodes)
	return h
}

// start starts a node that knows nothing.
func (h *history) start() *node {
	n := h.w.node()
	n.lua = h.lua
	return n
}

var skewedScripts sync.Map // by their common part

// at sets Redis' clock forward for all nodes.
func (h *history) at(t testing.TB, now time.Duration) {
	common := h.flags + skewed(t, fmt.Sprintf("+ %d", int(now.Seconds())))
	s, ok := skewedScripts.Load(common)
	if !ok {
		s, _ = skewedScripts.LoadOrStore(common, newScripts(common))
	}
	h.lua = s.(*scriptSet)
	for _, n := range h.nodes {
		n.lua = h.lua
	}
}

func (h *history) node(rt *rapid.T) *node {
	return h.nodes[rapid.IntRange(0, len(h.nodes)-1).Draw(rt, "node")]
}

// crash has one node begin anew: it knows nothing, and its sockets are gone.
func (h *history) crash(rt *rapid.T) {
	h.nodes[rapid.IntRange(0, len(h.nodes)-1).Draw(rt, "crashed")] = h.start()
}

// collect queues what was published for every node.
func (h *history) collect(rt *rapid.T) {
	for _, p := range h.tap.next(rt) {
		for i := range h.queue {
			h.queue[i] = append(h.queue[i], p)
		}
	}
}

// deliver hands a node one of its events, in any order; or drops it, or hands it
// over and keeps it.
func (h *history) deliver(rt *rapid.T) {
	h.collect(rt)
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

func one(rt *rapid.T, in int, what string) bool { return rapid.IntRange(1, in).Draw(rt, what) == 1 }

// drawClaim makes a claim of a login that may be known or not.
func (h *history) drawClaim(rt *rapid.T) Claim {
	if len(h.last) > 0 && one(rt, 6, "retry") {
		return h.last[rapid.IntRange(0, len(h.last)-1).Draw(rt, "which")]
	}
	account := rapid.SampledFrom(historyAccounts).Draw(rt, "account")
	session := rapid.IntRange(0, 5).Draw(rt, "session")
	l := h.w.login(account, fmt.Sprint(session))
	l.Token = h.w.token(fmt.Sprint(account, " ", session, " ", rapid.IntRange(0, 2).Draw(rt, "token")))
	l.Browser = rapid.SampledFrom([]string{"", "x", "y", "z"}).Draw(rt, "browser")
	l.Device = rapid.SampledFrom(historyDevices).Draw(rt, "device")
	l.Exempt = one(rt, 8, "exempt")
	if lt := rapid.Int64Range(0, 3).Draw(rt, "login time"); lt > 0 {
		l.LoginTime = at(lt)
	}
	l.SID = random()
	c := Claim{Login: l, Observed: one(rt, 5, "observed"), ByDevice: rapid.Bool().Draw(rt, "by device"), Vacant: one(rt, 10, "vacant")}
	if len(h.tokens) > 0 && one(rt, 4, "refreshed") {
		c.Predecessor, c.Observed = h.drawToken(rt), false
	}
	return c
}

// drawTakeover makes a claim with a ticket: most often as its page would.
func (h *history) drawTakeover(rt *rapid.T) Claim {
	if len(h.tickets) == 0 {
		rt.Skip()
	}
	c := h.tickets[rapid.IntRange(0, len(h.tickets)-1).Draw(rt, "ticket")]
	if one(rt, 5, "another's") {
		ticket := c.Takeover
		c = h.drawClaim(rt)
		c.Takeover = ticket
	}
	if !one(rt, 4, "retry") {
		c.SID = random()
	}
	return c
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
	var res Result
	insist(rt, func() (err error) { // with the same sid a repetition changes nothing
		res, err = n.Claim(context.Background(), c)
		return err
	})
	h.tokens, h.last = append(h.tokens, c.Token), append(h.last, c)
	if res.Live() {
		n.hub.attach(res.Login)
	}
	if res.Ticket != "" {
		c.Takeover, c.Observed = res.Ticket, false
		h.tickets = append(h.tickets, c)
	}
	return res
}

// passes has every node check its sockets, as all do within one interval.
func (h *history) passes(rt *rapid.T) {
	// Restores of one pass may end logins that another node has just checked.
	for range 2 {
		for _, n := range h.nodes {
			insist(rt, func() error { return NewReconciler(n.Registry, n.hub, 0).Pass(context.Background()) })
		}
	}
}

// settled: one reconcile later no node has a socket of a login that is not live.
func (h *history) settled(rt *rapid.T) {
	h.passes(rt)
	for _, n := range h.nodes {
		for k := range n.hub.Logins() {
			l := k.Login()
			if v := n.touch(rt, l); v.Status != Live || v.SID != l.SID {
				rt.Fatalf("socket of %v login %s of %s", v.Status, l.Identity.Short(), l.Account)
			}
		}
	}
	h.withinLimits(rt)
}

func (h *history) withinLimits(rt *rapid.T) { h.live(rt) }

// live returns the live logins of each account, within its limit: invariant 3.
func (h *history) live(rt *rapid.T) map[string][]Info {
	out := map[string][]Info{}
	limit := max(1, h.w.policy.Limit)
	for _, a := range historyAccounts {
		seats := map[string]int{}
		out[a] = h.logins(rt, a)
		for _, in := range out[a] {
			class := ""
			if h.w.policy.PerDevice {
				class = in.Device
			}
			if !in.Exempt {
				seats[class]++
			}
			if seats[class] > limit {
				rt.Fatalf("%s has more than %d live logins", a, limit)
			}
		}
	}
	return out
}

func (h *history) logins(rt *rapid.T, account string) []Info {
	var infos []Info
	insist(rt, func() (err error) {
		infos, err = h.nodes[0].Logins(context.Background(), account)
		return err
	})
	return infos
}
