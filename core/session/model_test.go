package session

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wsgate/wsgate/core/token"
)

// model is what the registry should do, of one realm whose Redis loses nothing. It
// has a clock of its own, for leases, graces and what else lasts.
type model struct {
	policy   policy
	now      time.Duration
	accounts map[string]*modelAccount
	routes   map[token.Fingerprint]modelRoute
	tickets  map[string]*modelTicket
}

type modelRoute struct {
	account string
	id      Identity
}

type modelTicket struct {
	id      Identity
	browser string
	ends    time.Duration
	used    bool
}

type modelAccount struct {
	live, dead map[Identity]*modelLogin
	seq        int64
	returns    map[string]*modelReturns // of displaced browsers
}

type modelReturns struct {
	n    int
	ends time.Duration
}

type modelLogin struct {
	id        Identity
	sid       string
	seq       int64
	token     token.Fingerprint
	browser   string
	device    string
	loginTime int64 // 0: unknown
	exempt    bool
	seen      time.Duration
	over      []string // browsers that it displaced
	lives     []string // sids of earlier lives of the identity

	// Of a dead one.

	reason  Reason
	ended   time.Duration
	by      string // sid
	returns int
	waits   bool // a new life was denied
}

func newModel(p policy) *model {
	return &model{
		policy: p, accounts: map[string]*modelAccount{},
		routes: map[token.Fingerprint]modelRoute{}, tickets: map[string]*modelTicket{},
	}
}

func (m *model) account(name string) *modelAccount {
	a := m.accounts[name]
	if a == nil {
		a = &modelAccount{
			live: map[Identity]*modelLogin{}, dead: map[Identity]*modelLogin{}, returns: map[string]*modelReturns{},
		}
		m.accounts[name] = a
	}
	return a
}

func (m *model) status(account string, id Identity) (Status, Reason) {
	a := m.account(account)
	if a.live[id] != nil {
		return Live, ""
	}
	if d := a.dead[id]; d != nil && !d.waits {
		return Dead, d.reason
	}
	return Unknown, ""
}

func (m *model) bury(a *modelAccount, l *modelLogin, why Reason, by *modelLogin) {
	delete(a.live, l.id)
	l.reason, l.ended = why, m.now
	if by != nil {
		l.by = by.sid
	}
	a.dead[l.id] = l
}

// touch notes that a live login was seen.
func (m *model) touch(account string, id Identity, browser string) {
	l := m.account(account).live[id]
	if l == nil {
		return
	}
	due := m.now-l.seen >= 30*time.Second
	if browser != "" && (due || l.browser == "") {
		l.browser = browser
	}
	if due {
		l.seen = m.now
	}
}

// returned says whether a superseded login's return is to be silent.
func (m *model) returned(account string, id Identity) bool {
	d := m.account(account).dead[id]
	if d == nil || d.waits || d.reason != ReasonSuperseded {
		return false
	}
	d.returns++
	return d.returns == 1
}

// revoke ends the live logins that hit chooses, and returns how many.
func (m *model) revoke(account string, why Reason, hit func(*modelLogin) bool) int {
	n, a := 0, m.account(account)
	for _, l := range slices.Collect(maps.Values(a.live)) {
		if hit(l) {
			m.bury(a, l, why, nil)
			n++
		}
	}
	return n
}

// modelResult is what became of a claim.
type modelResult struct {
	outcome   Outcome
	id        Identity // whom it is about
	flap      bool
	displaced []*modelLogin
}

func (m *model) claim(c Claim, loginTime int64) modelResult {
	id, pred := c.Identity, Identity{}
	if rt, ok := m.routes[c.Token]; ok && rt.account == c.Account {
		id = rt.id
	} else if rt, ok := m.routes[c.Predecessor]; ok && rt.account == c.Account {
		pred = rt.id
	}
	cl := &modelClaim{model: m, account: m.account(c.Account), Claim: c, pred: pred, asked: id}
	cl.me = &modelLogin{
		id: id, sid: c.SID, token: c.Token, browser: c.Browser, device: c.Device,
		loginTime: loginTime, exempt: c.Exempt, seen: m.now,
	}
	res := cl.decide()
	if _, ok := m.routes[c.Token]; !ok && (pred.IsZero() || res.outcome != OutcomeDenied) {
		m.routes[c.Token] = modelRoute{c.Account, res.id}
	}
	return res
}

// modelClaim is one claim under way.
type modelClaim struct {
	Claim
	*model
	account *modelAccount
	me      *modelLogin
	asked   Identity // whom the claim is of; me.id where it is not another's refresh
	pred    Identity
	born    *modelLogin // the dead life before
}

func (c *modelClaim) is(o Outcome) modelResult { return modelResult{outcome: o, id: c.me.id} }

func (c *modelClaim) decide() modelResult {
	a, me := c.account, c.me
	if d := a.dead[me.id]; d != nil {
		newer := me.loginTime > 0 && d.loginTime > 0 && me.loginTime > d.loginTime
		retry := d.sid == me.sid || slices.Contains(d.lives, me.sid)
		if retry || (!c.Observed && !newer && !d.waits) {
			if d.sid == me.sid && d.reason == ReasonStale {
				return c.is(OutcomeStale)
			}
			return c.is(OutcomeDead)
		}
		c.born = d
	}
	held := a.live[me.id]
	if held == nil && !c.pred.IsZero() && c.pred != me.id {
		if d := a.dead[c.pred]; d != nil && !d.waits {
			return modelResult{outcome: OutcomeDead, id: c.pred}
		}
		if held = a.live[c.pred]; held != nil {
			me.id, c.born = c.pred, nil
		}
	}
	if held != nil && (c.Exempt || !held.exempt) {
		return c.again(held)
	}
	if held != nil { // exempt until now
		me.sid, me.lives = held.sid, held.lives
	}
	if c.born != nil {
		lives := append(slices.Clone(c.born.lives), c.born.sid)
		me.lives = lives[max(0, len(lives)-8):]
	}
	return c.seat()
}

func (c *modelClaim) again(l *modelLogin) modelResult {
	out := OutcomeSame
	if l.token != c.Token {
		out = OutcomeRotated
	}
	l.token, l.seen, l.exempt = c.Token, c.now, c.Exempt
	if c.Browser != "" && (out == OutcomeRotated || l.browser == "") {
		l.browser = c.Browser
	}
	l.loginTime = max(l.loginTime, c.me.loginTime)
	return modelResult{outcome: out, id: l.id}
}

// holders are those that compete for the newcomer's seat, the oldest first.
func (c *modelClaim) holders() []*modelLogin {
	if c.Exempt {
		return nil
	}
	var list []*modelLogin
	for _, l := range c.account.live {
		if !l.exempt && (!c.policy.perDevice || l.device == c.Device) {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b *modelLogin) int { return int(a.seq - b.seq) })
	return list
}

func (c *modelClaim) refuse(o Outcome, why Reason, by *modelLogin) modelResult {
	c.bury(c.account, c.me, why, by)
	return c.is(o)
}

// seat finds a seat for a login that has none.
func (c *modelClaim) seat() modelResult {
	me, list, limit := c.me, c.holders(), c.policy.limit
	full := len(list) >= limit
	if full && me.loginTime > 0 && !c.Observed {
		newer := 0
		for _, h := range list {
			if h.loginTime > me.loginTime {
				newer++
			}
		}
		if newer >= limit {
			return c.refuse(OutcomeStale, ReasonStale, list[len(list)-1])
		}
	}
	if full && c.Vacant {
		return c.refuse(OutcomeDead, ReasonDisplaced, list[len(list)-1])
	}
	taken := false
	if full && c.policy.oldest {
		lapsed := slices.DeleteFunc(slices.Clone(list), func(h *modelLogin) bool { return c.now-h.seen < 75*time.Second })
		seen := slices.DeleteFunc(slices.Clone(list), func(h *modelLogin) bool { return c.now-h.seen >= 75*time.Second })
		if len(seen) >= limit {
			if taken = c.takesOver(); !taken {
				if c.born != nil {
					c.born.waits = true
				}
				return modelResult{outcome: OutcomeDenied, id: c.asked}
			}
		}
		list = append(lapsed, seen...)
	}
	if refused, ok := c.comesBack(list, full, taken); ok {
		return refused
	}
	return c.admit(list)
}

// takesOver uses the claim's ticket up.
func (c *modelClaim) takesOver() bool {
	t := c.tickets[c.Takeover]
	if t == nil || t.used || t.id != c.asked || (t.browser != c.Browser && t.browser != "") || t.ends <= c.now {
		return false
	}
	t.used = true
	return true
}

// comesBack refuses a displaced client that nobody saw log in again: where it can be
// known for one, or comes too often.
func (c *modelClaim) comesBack(list []*modelLogin, full, taken bool) (modelResult, bool) {
	b := c.me.browser
	if b == "" || c.Observed || taken {
		return modelResult{}, false
	}
	var back *modelLogin
	for _, h := range list {
		proven := c.me.loginTime > 0 && h.loginTime > 0 && c.me.loginTime > h.loginTime
		if slices.Contains(h.over, b) {
			back = h
			if c.ByDevice && !proven {
				return c.refuse(OutcomeDead, ReasonDisplaced, h), true
			}
		}
	}
	if !full || back == nil {
		return modelResult{}, false
	}
	r := c.account.returns[b]
	if r == nil || r.ends <= c.now {
		r = &modelReturns{ends: c.now + time.Minute}
		c.account.returns[b] = r
	}
	if r.n++; r.n < 3 {
		return modelResult{}, false
	}
	r.ends = c.now + time.Minute
	res := c.refuse(OutcomeDead, ReasonDisplaced, back)
	res.flap = true
	return res, true
}

// admit displaces as many as must go.
func (c *modelClaim) admit(list []*modelLogin) modelResult {
	a, me := c.account, c.me
	res := c.is(OutcomeLive)
	a.seq++
	me.seq = a.seq
	for len(list) >= c.policy.limit {
		h := list[0]
		list = list[1:]
		for _, b := range append(slices.Clone(h.over), h.browser) {
			if b != "" && b != me.browser {
				me.over = append(slices.DeleteFunc(me.over, func(o string) bool { return o == b }), b)
				me.over = me.over[max(0, len(me.over)-8):]
			}
		}
		why := ReasonDisplaced
		if h.browser != "" && h.browser == me.browser {
			why = ReasonSuperseded
		}
		c.bury(a, h, why, me)
		res.displaced = append(res.displaced, h)
	}
	delete(a.dead, me.id)
	a.live[me.id] = me
	return res
}

// logins are the live ones of an account, to be compared.
func (a *modelAccount) logins() string {
	return listed(maps.Values(a.live), func(l *modelLogin) (Identity, string, bool) { return l.id, l.sid, l.exempt })
}

func listed[T any](seq func(func(T) bool), of func(T) (Identity, string, bool)) string {
	var out []string
	for v := range seq {
		id, sid, exempt := of(v)
		s := id.Short() + " " + sid
		if exempt {
			s += " exempt"
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
