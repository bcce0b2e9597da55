package gate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

// observer watches one of the backend's own requests: login, refresh or logout.
type observer interface {
	serve(s *Site, sh *shared, w http.ResponseWriter, r *http.Request, next Next) error
}

// observers finds the observer of a request. All their paths pass unjudged:
// they are the way out and back in.
type observers map[session.Route]observer

func (o observers) find(r *http.Request, path string) observer {
	if len(o) == 0 {
		return nil
	}
	if h, ok := o[session.Route{Method: r.Method, Path: path}]; ok {
		return h
	}
	return o[session.Route{Method: "*", Path: path}]
}

func newObservers(c session.Config, preset introspect.Preset) (observers, error) {
	o := observers{}
	for _, p := range preset.Logout {
		o[routeOf(p)] = logout{}
	}
	for _, rt := range c.Logout {
		o[rt] = logout{}
	}
	for _, ob := range preset.Observe {
		issued, err := newIssued(ob)
		if err != nil {
			return nil, err
		}
		o[routeOf(ob.Route)] = &login{issued}
	}
	for _, rf := range preset.Refresh {
		issued, err := newIssued(rf)
		if err != nil {
			return nil, err
		}
		o[routeOf(rf.Route)] = &refresh{issued: issued}
	}
	for _, ob := range c.Observe {
		p, err := expr.Compile(expr.Response, ob.Token, expr.Taken)
		if err != nil {
			return nil, fmt.Errorf("gate: login observe %s %s: %w", ob.Method, ob.Path, err)
		}
		o[ob.Route] = &login{issued{token: p}}
	}
	for _, rf := range c.Refresh {
		re := &refresh{}
		var err error
		if re.token, err = expr.Compile(expr.Response, rf.New, expr.Taken); err == nil && rf.Old != "" {
			re.old, err = expr.Compile(expr.Response, rf.Old, expr.Taken)
		}
		if err != nil {
			return nil, fmt.Errorf("gate: login refresh %s %s: %w", rf.Method, rf.Path, err)
		}
		o[rf.Route] = re
	}
	return o, nil
}

// issued finds the tokens in the backend's answer to a login or a refresh.
type issued struct {
	token  *expr.Program
	linked *expr.Program // another token of the same login; nil: there is none
}

func newIssued(t introspect.TokenRoute) (i issued, err error) {
	if i.token, err = expr.Compile(expr.Response, t.Token, expr.String); err == nil && t.Linked != "" {
		i.linked, err = expr.Compile(expr.Response, t.Linked, expr.String)
	}
	if err != nil {
		return issued{}, fmt.Errorf("gate: preset: %s %s: %w", t.Method, t.Path, err)
	}
	return i, nil
}

// in yields the token that was issued, and the one linked to it, zero for none.
func (i *issued) in(v expr.Vars) (fresh, linked token.Token, ok bool) {
	if fresh, ok = tokenIn(i.token, v); ok && i.linked != nil {
		linked, _ = tokenIn(i.linked, v)
	}
	return fresh, linked, ok
}

// login claims for the token in the answer to a login request, before the
// client has that answer. Such a claim begins a new generation.
type login struct {
	issued
}

func (l *login) serve(s *Site, sh *shared, w http.ResponseWriter, r *http.Request, next Next) error {
	c := s.caller(sh, r).detached()
	return observeAnswer(w, r, next, func(cw *capture) {
		fresh, linked, ok := l.in(cw.vars())
		if !ok {
			return // a failed login
		}
		c.browser = s.setDevice(cw.w, r, sh)
		s.observed(r.Context(), sh, c, fresh, linked, session.Claim{Observed: true})
	})
}

// refresh lets a new token take over its predecessor's login. A predecessor
// that is dead is refused before the backend sees the request; where only the answer
// tells whose the token is, it is refused in the answer's stead.
type refresh struct {
	issued
	old *expr.Program // over the request; nil: the token that it carries
}

func (l *refresh) serve(s *Site, sh *shared, w http.ResponseWriter, r *http.Request, next Next) error {
	c := s.caller(sh, r).detached()
	found, err := l.predecessors(s, r)
	if err != nil {
		s.fail(w, r, http.StatusBadRequest, "bad_request", "the request's body can't be read")
		return nil //nolint:nilerr // answered
	}
	j := s.judgeAll(r, sh, found)
	if time.Now().Before(j.verdict.SilentUntil) {
		j.found.Source = token.Source{} // the browser's cookie is the newer login's by now
	}
	j.verdict = merciless(j.verdict)
	if !s.admit(w, r, sh, &j) {
		return nil
	}
	return observeAnswer(w, r, next, func(cw *capture) {
		fresh, linked, ok := l.in(cw.vars())
		if !ok {
			return
		}
		claim := session.Claim{}
		switch {
		case len(found) > 0:
			claim.Predecessor = sh.fingerprint(found[0].Token, c.browser)
		case !linked.IsZero():
			claim.Predecessor = sh.fingerprint(linked, c.browser)
		}
		v := merciless(s.observed(r.Context(), sh, c, fresh, linked, claim))
		if v.Status == session.Dead && !passes(&v, r, time.Now()) {
			cw.drop()
			s.gate.metrics.rejected(v.Reason)
			s.reject.dead(s, w, r, v, token.Source{})
		}
	})
}

// merciless is a verdict without the time that a dead login's requests may still pass: a
// refresh is no reading, whatever its method, and what a page would put in its store in
// place of the newer login's token would be a dead one.
func merciless(v session.Verdict) session.Verdict {
	v.GraceUntil, v.SilentUntil = time.Time{}, time.Time{}
	return v
}

// predecessors are the tokens that the request is about to replace.
func (l *refresh) predecessors(s *Site, r *http.Request) ([]token.Found, error) {
	if l.old == nil {
		return s.finder.HTTP(r, nil), nil
	}
	body, err := peekBody(r, maxObserved)
	if err != nil {
		return nil, err
	}
	v := expr.Vars{Headers: r.Header}
	if v.Body, err = expr.DecodeJSON(body); err != nil {
		v.Body = nil
	}
	t, ok := tokenIn(l.old, v)
	if !ok {
		return nil, nil
	}
	_, canonical := t.Canonical()
	return []token.Found{{Token: t, Canonical: canonical}}, nil
}

// logout releases the login once the backend has agreed.
type logout struct{}

func (logout) serve(s *Site, sh *shared, w http.ResponseWriter, r *http.Request, next Next) error {
	found := s.finder.HTTP(r, nil)
	s.finder.StripQuery(r, false)
	if !sh.login || len(found) == 0 || len(found) > maxTokens {
		return next(w, r)
	}
	sw := &statusWriter{ResponseWriter: w}
	if err := next(sw, r); err != nil {
		return err
	}
	if sw.status >= http.StatusBadRequest {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), resolveTimeout)
	defer cancel()
	for _, f := range found {
		s.release(ctx, sh, s.fingerprintOf(sh, r, f.Token))
	}
	return nil
}

func (s *Site) release(ctx context.Context, sh *shared, fp token.Fingerprint) {
	sh.asker.Forget(fp)
	v, err := sh.registry.Lookup(ctx, fp, "")
	if err == nil && v.Status == session.Live {
		if err = sh.registry.Release(ctx, v); err == nil {
			s.gate.emit(Event{Kind: EventLogout, Account: v.Account, SID: v.SID})
		}
	}
	if err != nil {
		s.gate.trouble("logout could not be recorded", err)
	}
}

// observeAnswer runs next with its answer held back, and lets fn see it. The
// answer must not be compressed: fn looks into it.
func observeAnswer(w http.ResponseWriter, r *http.Request, next Next, fn func(*capture)) error {
	r.Header.Del("Accept-Encoding")
	cw := &capture{w: w, before: w.Header().Clone()}
	if err := next(cw, r); err != nil {
		cw.release()
		return err
	}
	if cw.whole() {
		fn(cw)
	}
	cw.release()
	return nil
}

// observed claims for a token that the backend has just issued, and lets the one
// linked to it, if any, lead to the same login. The verdict is what became of it, as
// far as that is known yet.
func (s *Site) observed(ctx context.Context, sh *shared, c caller, t, linked token.Token, claim session.Claim) session.Verdict {
	if !sh.login {
		return session.Verdict{}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveTimeout)
	defer cancel()
	q := introspect.Query{Token: t, Fingerprint: sh.fingerprint(t, c.browser), Request: c.request, Known: true, Claims: s.claims}
	// Asked anew: an answer from before this login says nothing about it.
	sh.asker.Forget(q.Fingerprint)
	id, err := s.identify(ctx, sh, q, c.ip)
	var res session.Result
	if err == nil {
		res, err = s.claim(ctx, sh, c, q, id, claim)
		// Repeated with the same sid, the claim is known for the same one should
		// only its answer have been lost.
		claim.SID = res.Login.SID
	}
	if err != nil {
		if !errors.Is(err, errInactive) {
			// Its first request will claim, as what it is: a login just observed.
			sh.owed.add(q.Fingerprint, claim, time.Now())
			s.gate.trouble("observed login could not be claimed yet", err)
		}
		return session.Verdict{}
	}
	if res.Live() && !linked.IsZero() {
		if err := sh.registry.Link(ctx, res.Login, sh.fingerprint(linked, c.browser)); err != nil {
			s.gate.trouble("a login's second token could not be linked to it", err)
		}
	}
	v := res.Verdict()
	if res.Live() {
		sh.sliding.seen(&v)
	}
	return v
}

func tokenIn(p *expr.Program, v expr.Vars) (token.Token, bool) {
	raw, ok := p.String(v)
	if !ok || raw == "" {
		return token.Token{}, false
	}
	t, err := token.New(raw)
	return t, err == nil
}

// peekBody reads a request's body and puts it back. A body over the limit is
// an error.
func peekBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	b, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	return b, nil
}
