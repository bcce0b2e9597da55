package gate

import (
	"context"
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
		identity = session.IdentityOf(sh.key, id.Subject, id.Session, q.Token)
	}
	sid := cl.SID
	if debt, ok := sh.owed.get(q.Fingerprint, time.Now()); ok {
		cl.Observed, cl.Predecessor, sid = debt.Observed, debt.Predecessor, debt.SID
	}
	cl.Login = session.Login{
		SID:       sid,
		Account:   id.Subject,
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
	if !sh.login {
		return session.Result{Outcome: session.OutcomeLive, Login: cl.Login}, nil
	}
	ctx, cancel := sh.patience(ctx)
	defer cancel()
	res, err := sh.registry.Claim(ctx, cl)
	if err != nil {
		s.gate.metrics.unverified.Add(1)
		s.gate.trouble("login could not be claimed", err)
		if res.Login.Account == "" {
			res.Login = cl.Login
		}
		return res, err
	}
	sh.owed.remove(q.Fingerprint)
	return res, nil
}
