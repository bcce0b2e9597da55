package session

import (
	"slices"

	"github.com/wsgate/wsgate/core/token"
)

// model is what the registry should do, of one realm whose Redis loses nothing,
// with a limit of one.
type model struct {
	accounts map[string]*modelAccount
	routes   map[token.Fingerprint]modelRoute
}

type modelRoute struct {
	account string
	id      Identity
}

type modelAccount struct {
	live *modelLogin
	dead map[Identity]*modelLogin
	seq  int64
}

type modelLogin struct {
	id        Identity
	sid       string
	seq       int64
	token     token.Fingerprint
	browser   string
	loginTime int64 // 0: unknown
	over      []string
	lives     []string // its sid and those of earlier lives
	reason    Reason
}

func newModel() *model {
	return &model{accounts: map[string]*modelAccount{}, routes: map[token.Fingerprint]modelRoute{}}
}

func (m *model) account(name string) *modelAccount {
	a := m.accounts[name]
	if a == nil {
		a = &modelAccount{dead: map[Identity]*modelLogin{}}
		m.accounts[name] = a
	}
	return a
}

func (m *model) status(account string, id Identity) (Status, Reason) {
	a := m.account(account)
	if a.live != nil && a.live.id == id {
		return Live, ""
	}
	if d := a.dead[id]; d != nil {
		return Dead, d.reason
	}
	return Unknown, ""
}

func (a *modelAccount) bury(l *modelLogin, why Reason) {
	if a.live == l {
		a.live = nil
	}
	l.reason = why
	a.dead[l.id] = l
}

// claim returns the outcome and the identity that it is about.
func (m *model) claim(c Claim, loginTime int64) (Outcome, Identity) {
	id, pred := c.Identity, Identity{}
	if rt, ok := m.routes[c.Token]; ok && rt.account == c.Account {
		id = rt.id
	} else if rt, ok := m.routes[c.Predecessor]; ok && rt.account == c.Account {
		pred = rt.id
	}
	out, about := m.account(c.Account).claim(c, id, pred, loginTime)
	if _, ok := m.routes[c.Token]; !ok {
		m.routes[c.Token] = modelRoute{c.Account, about}
	}
	return out, about
}

func (a *modelAccount) claim(c Claim, id, pred Identity, loginTime int64) (Outcome, Identity) {
	if d := a.dead[id]; d != nil {
		newer := loginTime > 0 && d.loginTime > 0 && loginTime > d.loginTime
		if slices.Contains(d.lives, c.SID) || (!c.Observed && !newer) {
			if d.sid == c.SID && d.reason == ReasonStale {
				return OutcomeStale, id
			}
			return OutcomeDead, id
		}
	}
	if a.live != nil && a.live.id == id {
		return a.again(c, loginTime), id
	}
	if !pred.IsZero() && pred != id {
		if a.dead[pred] != nil {
			return OutcomeDead, pred
		}
		if a.live != nil && a.live.id == pred {
			return a.again(c, loginTime), pred
		}
	}
	me := &modelLogin{id: id, sid: c.SID, token: c.Token, browser: c.Browser, loginTime: loginTime, lives: []string{c.SID}}
	if d := a.dead[id]; d != nil {
		me.lives = append(me.lives, d.lives...)
	}
	delete(a.dead, id)
	if old := a.live; old != nil {
		comparable := loginTime > 0 && old.loginTime > 0
		if comparable && !c.Observed && old.loginTime > loginTime {
			a.bury(me, ReasonStale)
			return OutcomeStale, id
		}
		if c.ByDevice && !c.Observed && c.Browser != "" && (!comparable || loginTime <= old.loginTime) {
			if slices.Contains(old.over, c.Browser) {
				a.bury(me, ReasonDisplaced)
				return OutcomeDead, id
			}
		}
		for _, b := range append(old.over, old.browser) {
			if b != "" && b != me.browser {
				me.over = append(me.over, b)
			}
		}
		me.over = me.over[max(0, len(me.over)-8):]
		why := ReasonDisplaced
		if old.browser != "" && old.browser == me.browser {
			why = ReasonSuperseded
		}
		a.bury(old, why)
	}
	a.seq++
	me.seq = a.seq
	a.live = me
	return OutcomeLive, id
}

func (a *modelAccount) again(c Claim, loginTime int64) Outcome {
	l, out := a.live, OutcomeSame
	if l.token != c.Token {
		out = OutcomeRotated
	}
	l.token = c.Token
	if c.Browser != "" && (out == OutcomeRotated || l.browser == "") {
		l.browser = c.Browser
	}
	l.loginTime = max(l.loginTime, loginTime)
	return out
}
