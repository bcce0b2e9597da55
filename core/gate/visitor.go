package gate

import (
	"errors"
	"net/http"

	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

// visitor is the live login behind a request to one of the gate's pages about logins.
type visitor struct {
	account, sid string
}

// visit finds out who asks, and whether `allow` lets him. These pages fail closed, for
// there is no backend behind them that would judge again: who can't be verified, by an
// endpoint that answers, is refused. The error is a *refusal, a *denial or a deadLogin.
func (s *Site) visit(r *http.Request, sh *shared, allow *expr.Program) (visitor, error) {
	found, ref := s.present(r)
	if ref != nil {
		return visitor{}, ref
	}
	v, err := s.judge(r, sh, found)
	if d, denied := asDenial(err); denied {
		return visitor{}, d
	}
	switch {
	case errors.Is(err, errInactive):
		return visitor{}, refusedInactive
	case err == nil && v.Status == session.Dead:
		s.setUser(r, v.Account)
		return visitor{}, deadLogin{v, found.Source}
	case err != nil || v.Status != session.Live || v.SID == "":
		return visitor{}, refusedUnverified
	}
	s.setUser(r, v.Account)
	id, err := s.vouchedFor(r, sh, found)
	if err != nil {
		return visitor{}, err
	}
	if id.Subject != v.Account {
		return visitor{}, refusedUnverified
	}
	if allow != nil && !allow.Bool(s.vars(r, id)) {
		return visitor{}, refusedForbidden
	}
	return visitor{account: v.Account, sid: v.SID}, nil
}

// vouchedFor is whose the token is by the backend's own word, of now or within
// cache_ttl. What it said before an outage does not count.
func (s *Site) vouchedFor(r *http.Request, sh *shared, found token.Found) (*introspect.Identity, error) {
	q := introspect.Query{Token: found.Token, Fingerprint: s.fingerprintOf(sh, r, found.Token), Request: r, Known: true, Claims: s.claims}
	a, ok := sh.asker.Cached(q)
	if !ok {
		a = sh.asker.Identify(r.Context(), q)
	}
	switch {
	case a.Outcome == introspect.Inactive:
		return nil, refusedInactive
	case a.Outcome != introspect.Active || a.Stale:
		return nil, refusedUnverified
	}
	return a.Identity, nil
}

func (e *refusal) Error() string { return "gate: " + e.message }

// notAllowed is the error of a request with a method other than these.
type notAllowed string

func (e notAllowed) Error() string { return "method not allowed: want " + string(e) }

var (
	refusedInactive   = &refusal{status: http.StatusUnauthorized, code: "inactive_token", message: "the token is not active"}
	refusedUnverified = &refusal{status: http.StatusServiceUnavailable, code: "unavailable", message: "the login can't be verified now"}
	refusedForbidden  = &refusal{status: http.StatusForbidden, code: "forbidden", message: "this account may not do that"}
	refusedUnread     = &refusal{status: http.StatusServiceUnavailable, code: "unavailable", message: "logins can't be read now"}
	refusedUnknown    = &refusal{status: http.StatusNotFound, code: "not_found", message: "there is no such login, or it has ended"}
)

// deadLogin is the error of a request whose login has ended.
type deadLogin struct {
	verdict session.Verdict
	source  token.Source
}

func (deadLogin) Error() string { return "gate: this login has ended" }
