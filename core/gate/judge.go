package gate

import (
	"context"
	"errors"
	"net/http"
	"time"
	"unique"

	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

var (
	// errInactive: the backend itself calls the token inactive.
	errInactive = errors.New("gate: token is not active")
	// errUnjudged: the token is not one the gate judges.
	errUnjudged = errors.New("gate: token is not judged")
	// errUnavailable: Redis or the introspection endpoint did not answer, or
	// the client is over its budget.
	errUnavailable = errors.New("gate: login can't be verified now")
)

const (
	// resolveTimeout bounds one judgement with all its calls.
	resolveTimeout = 10 * time.Second
	// impatience bounds one Redis call while the link is known to be down: a
	// hung server must not stall every request by its full time-out.
	impatience = 300 * time.Millisecond
)

// caller is what a judgement needs of a request.
type caller struct {
	request   *http.Request
	ip        string
	browser   string
	userAgent string
}

func (s *Site) caller(sh *shared, r *http.Request) caller {
	ip := s.opts.ClientIP(r)
	return caller{
		request: r,
		ip:      ip,
		browser: sh.devices.Browser(r, r.TLS != nil, ip),
		// There are few, and each of thousands of logins is to remember its own.
		userAgent: unique.Make(r.UserAgent()).Value(),
	}
}

// detached holds copies: a judgement that is shared by all requests with the same
// token outlives the one that began it.
func (c caller) detached() caller {
	r, u := c.request, *c.request.URL
	c.request = &http.Request{
		Method: r.Method, URL: &u, Host: r.Host, RemoteAddr: r.RemoteAddr,
		Proto: r.Proto, Header: r.Header.Clone(), TLS: r.TLS,
	}
	return c
}

// judge says what the registry knows of a token: the local cache, then Redis,
// then the backend, and only then (a claim is made for a login never seen).
// The error is nil, errInactive, errUnjudged, errUnavailable or a *denial.
func (s *Site) judge(r *http.Request, sh *shared, f token.Found) (session.Verdict, error) {
	fp := s.fingerprintOf(sh, r, f.Token)
	if sh.login {
		if v, ok := sh.registry.Verdicts().Get(fp); ok {
			return v, nil
		}
		if d, ok := sh.denials.get(fp); ok {
			return session.Verdict{}, d
		}
	}
	return s.resolve(r, sh, f, fp)
}

func (s *Site) resolve(r *http.Request, sh *shared, f token.Found, fp token.Fingerprint) (session.Verdict, error) {
	c := s.caller(sh, r).detached()
	ctx := context.WithoutCancel(r.Context())
	ch := sh.flights.DoChan(string(fp[:]), func() (v any, err error) {
		defer s.gate.recovered("judge", &err)
		ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
		defer cancel()
		return s.resolveOnce(ctx, sh, c, f, fp)
	})
	select {
	case res := <-ch:
		v, _ := res.Val.(session.Verdict)
		return v, res.Err
	case <-r.Context().Done():
		return session.Verdict{}, errUnavailable
	}
}

func (s *Site) resolveOnce(ctx context.Context, sh *shared, c caller, f token.Found, fp token.Fingerprint) (session.Verdict, error) {
	q := introspect.Query{Token: f.Token, Fingerprint: fp, Request: c.request, Claims: s.claims}
	v, err := s.lookup(ctx, sh, c, fp)
	if err != nil {
		s.gate.trouble("registry lookup failed", err)
		s.gate.begin(&s.gate.redisOut, err)
		return session.Verdict{}, errUnavailable
	}
	if v.Status != session.Unknown {
		return v, nil
	}
	q.Known = !v.Identity.IsZero()
	if !f.Canonical {
		// Its one canonical spelling is nobody's: the backend answers for itself.
		return session.Verdict{}, errUnjudged
	}
	id, err := s.identify(ctx, sh, q, c.ip)
	if err != nil {
		return session.Verdict{}, err
	}
	if !sh.login {
		return session.Verdict{Status: session.Live, Account: id.Subject}, nil
	}
	asked := time.Now()
	res, err := s.claim(ctx, sh, c, q, id, session.Claim{Login: session.Login{Identity: v.Identity}, Unmet: v.Identity.IsZero()})
	if err != nil {
		return session.Verdict{}, errUnavailable
	}
	if res.Outcome == session.OutcomeDenied {
		d := denialOf(&res)
		sh.denials.add(fp, keptDenial{d, sh.registry.AccountHash(id.Subject), asked})
		return session.Verdict{}, d
	}
	return res.Verdict(), nil
}

func (s *Site) lookup(ctx context.Context, sh *shared, c caller, fp token.Fingerprint) (session.Verdict, error) {
	if !sh.login {
		return session.Verdict{}, nil
	}
	ctx, cancel := sh.patience(ctx)
	defer cancel()
	return sh.registry.Lookup(ctx, fp, c.browser)
}

// identify asks whose a token is that no node has seen, within the budget of
// the client's address.
func (s *Site) identify(ctx context.Context, sh *shared, q introspect.Query, ip string) (*introspect.Identity, error) {
	a, cached := sh.asker.Cached(q)
	if !cached {
		if !q.Known && !s.unknown.take(ctx, ip) {
			return nil, errUnavailable
		}
		a = sh.asker.Identify(ctx, q)
	}
	if a.Outcome == introspect.Error || a.Stale {
		s.gate.begin(&s.gate.askOut, a.Err)
	} else if !cached {
		s.gate.end(&s.gate.askOut)
	}
	switch a.Outcome {
	case introspect.Active:
		return a.Identity, nil
	case introspect.Inactive:
		return nil, errInactive
	default:
		return nil, errUnavailable // introspect has logged why
	}
}
