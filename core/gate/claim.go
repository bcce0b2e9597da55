package gate

import (
	"context"
	"errors"
	"time"

	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/session"
)

// claim makes the login live, or learns that it is not. The registry tells what
// ended for it through onEvent, here and on every other node. cl may have an
// identity already: that of a login to which the token is known to lead.
func (s *Site) claim(ctx context.Context, sh *shared, c caller, q introspect.Query, id *introspect.Identity, cl session.Claim) (session.Result, error) {
	identity := cl.Identity
	if identity.IsZero() {
		identity = sh.identityOf(&q, id)
	}
	sid := cl.SID
	if debt, ok := sh.owed.get(q.Fingerprint, time.Now()); ok {
		cl.Observed, cl.Predecessor, sid = debt.Observed, debt.Predecessor, debt.SID
	}
	sh.lineage(&q, &cl)
	cl.Login = session.Login{
		SID:       sid,
		Account:   id.Subject,
		Name:      nameOf(id),
		Dept:      s.deptOf(c, id),
		Identity:  identity,
		Token:     q.Fingerprint,
		Browser:   c.browser,
		Device:    id.Device,
		IP:        c.ip,
		UserAgent: c.userAgent,
		LoginTime: id.LoginTime,
		Expires:   id.Expires,
	}
	cl.ByDevice = sh.byDevice
	cl.Exempt = sh.exempt != nil && sh.exempt.Bool(s.vars(c.request, id))
	if !sh.login {
		return session.Result{Outcome: session.OutcomeLive, Login: cl.Login}, nil
	}
	ctx, cancel := sh.patience(ctx)
	defer cancel()
	res, err := sh.registry.Claim(ctx, cl)
	if err != nil {
		if !gone(err) {
			s.gate.metrics.unverified.Add(1)
		}
		s.gate.trouble("login could not be claimed", err)
		if !errors.Is(err, session.ErrTooManyClaims) {
			s.gate.begin(&s.gate.redisOut, err)
		}
		if res.Login.Account == "" {
			res.Login = cl.Login
		}
		return res, err
	}
	s.gate.end(&s.gate.redisOut)
	s.gate.tellClaim(&cl, &res)
	sh.owed.remove(q.Fingerprint)
	return res, nil
}

// nameOf is what people call the account: the backend's first other name of it.
func nameOf(id *introspect.Identity) string {
	if len(id.Aliases) == 0 || id.Aliases[0] == id.Subject {
		return ""
	}
	return id.Aliases[0]
}

// deptOf is the department of the account, for lists of all logins.
func (s *Site) deptOf(c caller, id *introspect.Identity) string {
	if s.dept == nil {
		return ""
	}
	dept, _ := s.dept.String(s.vars(c.request, id))
	return dept
}

// tellClaim puts what a claim did on the audit trail.
func (g *Gate) tellClaim(cl *session.Claim, res *session.Result) {
	e := Event{Account: cl.Account, SID: res.Login.SID, IP: cl.IP, Device: cl.Device}
	switch {
	case res.Flap:
		g.metrics.flaps.Add(1)
		g.logger().Warn("a displaced client keeps coming back and is refused for a minute", "account", cl.Account, "sid", res.Verdict().By.SID)
		e.Kind, e.By = EventFlap, res.Verdict().By.SID
	case res.Outcome == session.OutcomeDenied:
		e.Kind, e.SID = EventDenied, ""
		if len(res.Holders) > 0 {
			e.By = res.Holders[0].SID
		}
	case res.Outcome == session.OutcomeLive && cl.Takeover != "":
		e.Kind = EventTakeover
	case res.Outcome == session.OutcomeLive && cl.Observed:
		e.Kind = EventLogin
	case res.Outcome == session.OutcomeLive:
		e.Kind = EventClaim
	default:
		return
	}
	g.emit(e)
	for i := range res.Displaced {
		v := &res.Displaced[i]
		g.emit(Event{Kind: EventDisplaced, Account: cl.Account, SID: v.SID, By: res.Login.SID, Reason: string(v.Reason), IP: cl.IP, Device: cl.Device})
	}
}
