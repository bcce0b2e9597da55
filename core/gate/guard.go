package gate

import (
	"errors"
	"net/http"
	"time"

	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

// maxTokens bounds how many different tokens of one request are judged: an
// attack on the registry else, or a dead token that hides behind many.
const maxTokens = token.MaxValues

// guard judges a plain HTTP request and passes it to next unless its login was
// displaced or kicked.
func (s *Site) guard(w http.ResponseWriter, r *http.Request, path string, socketPath bool, inPath string, next Next) error {
	unjudged := func() error {
		if socketPath { // no token goes on from there, whoever judges
			s.finder.StripQuery(r, true)
		}
		return next(w, r)
	}
	if isPreflight(r) {
		return unjudged()
	}
	sh := s.gate.shared.Load()
	if h := sh.observers.find(r, path); h != nil {
		return h.serve(s, sh, w, r, next)
	}
	if s.guardOff || s.pass.has(r, path) {
		return unjudged()
	}
	var mark token.Mark
	marked := sh.login && !sh.sharedTokens && !socketPath && inPath == "" // else more of the request counts, as the browser's address
	if marked {
		mark, marked = s.finder.Mark(r, r.TLS != nil)
	}
	if marked && s.knows(w, r, sh, &mark) {
		return next(w, r)
	}
	var buf [2]token.Found
	found := s.finder.HTTP(r, buf[:0])
	if inPath != "" {
		found = token.AppendPath(found, inPath)
	}
	s.finder.StripQuery(r, socketPath)
	if len(found) == 0 {
		return next(w, r)
	}
	j := s.judgeAll(r, sh, found)
	if !s.admit(w, r, sh, &j) {
		return nil
	}
	if marked && len(found) == 1 && j.verdict.Status == session.Live {
		sh.familiars.add(&familiar{
			mark: mark, fingerprint: s.fingerprintOf(sh, r, found[0].Token), device: sh.devices.Has(r, r.TLS != nil),
		})
	}
	return next(w, r)
}

// knows says that a request is like one before whose login is live now. Its one token
// and its cookies are those of that one, so the answer is what judgeAll and admit would
// come to; false says nothing.
func (s *Site) knows(w http.ResponseWriter, r *http.Request, sh *shared, m *token.Mark) bool {
	f, v := sh.recall(m)
	if f == nil {
		return false
	}
	if len(s.identity.rules) > 0 {
		a, ok := sh.asker.Cached(introspect.Query{Fingerprint: f.fingerprint, Request: r, Known: true, Claims: s.claims})
		if !ok || a.Outcome != introspect.Active {
			return false
		}
		s.identity.set(r, s.vars(r, a.Identity))
	}
	s.welcome(w, r, sh, &v, f.device)
	return true
}

// recall yields what is remembered of a request whose login is live now, else nil.
func (sh *shared) recall(m *token.Mark) (*familiar, session.Verdict) {
	f := sh.familiars.get(m)
	if f == nil {
		return nil, session.Verdict{}
	}
	v, ok := sh.registry.Verdicts().Get(f.fingerprint)
	if !ok || v.Status != session.Live {
		return nil, session.Verdict{}
	}
	return f, v
}

// welcome is for a request of a live login that goes on.
func (s *Site) welcome(w http.ResponseWriter, r *http.Request, sh *shared, v *session.Verdict, device bool) {
	s.setUser(r, v.Account)
	if !device {
		s.setDevice(w, r, sh)
	}
	sh.sliding.seen(v)
}

// judgement is what all the tokens of one request come to.
type judgement struct {
	verdict session.Verdict
	found   token.Found // of the verdict
	denied  *denial
	err     error
}

// errConflict: the request carries live tokens of different accounts, or more
// tokens than any client has.
var errConflict = errors.New("gate: tokens of different logins in one request")

// judgeAll judges every token: one dead value refuses the request, or a
// displaced client would only have to add a live one of somebody else's.
func (s *Site) judgeAll(r *http.Request, sh *shared, found []token.Found) judgement {
	if len(found) > maxTokens {
		return judgement{err: errConflict}
	}
	var j judgement
	for i := range found {
		if !sh.login && len(s.identity.rules) == 0 {
			break
		}
		v, err := s.judge(r, sh, found[i])
		d, denied := asDenial(err)
		switch {
		case denied:
			j.denied = d
		case err != nil:
			if j.err == nil || errors.Is(err, errUnavailable) {
				j.err = err
			}
		case v.Status == session.Dead:
			return judgement{verdict: v, found: found[i]}
		case j.verdict.Status == session.Live && j.verdict.Account != v.Account:
			return judgement{err: errConflict}
		default:
			j.verdict, j.found = v, found[i]
		}
	}
	return j
}

// admit answers a request that must not reach the backend, and prepares one
// that may. It says whether the request goes on.
func (s *Site) admit(w http.ResponseWriter, r *http.Request, sh *shared, j *judgement) bool {
	switch {
	case errors.Is(j.err, errConflict):
		s.fail(w, r, http.StatusBadRequest, "ambiguous_token", "the request carries tokens of different logins; send one")
		return false
	case errors.Is(j.err, errUnavailable) && sh.failClosed:
		s.fail(w, r, http.StatusServiceUnavailable, "unavailable", "the login can't be verified now")
		return false
	}
	if j.denied != nil && j.verdict.Status != session.Dead {
		s.gate.metrics.denied.Add(1)
		s.deny(w, r, j.denied)
		return false
	}
	v := &j.verdict
	switch v.Status {
	case session.Dead:
		if passes(v, r, time.Now()) {
			return true
		}
		s.setUser(r, v.Account)
		s.gate.metrics.rejected(v.Reason)
		s.reject.dead(s, w, r, *v, j.found.Source)
		return false
	case session.Live:
		if len(s.identity.rules) > 0 && !s.forward(r, sh, j) && sh.failClosed {
			s.setUser(r, v.Account)
			s.fail(w, r, http.StatusServiceUnavailable, "unavailable", "the login can't be verified now")
			return false
		}
		s.welcome(w, r, sh, v, !sh.login || sh.devices.Has(r, r.TLS != nil))
	case session.Unknown: // nobody the gate knows: the backend answers
	}
	return true
}

// passes says whether a dead login's request goes on to the backend: a login
// that was logged out is the backend's own business, one that a newer login in
// the same browser superseded may finish what its page had begun, and a displaced
// one may read while its grace lasts.
func passes(v *session.Verdict, r *http.Request, now time.Time) bool {
	return v.Reason == session.ReasonLogout || now.Before(v.SilentUntil) || now.Before(v.GraceUntil) && reads(r)
}

// reads says that a request changes nothing (RFC 9110 section 9.2.1).
func reads(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
}

// forward sets the identity headers; false where they can't be known now.
func (s *Site) forward(r *http.Request, sh *shared, j *judgement) bool {
	q := introspect.Query{Token: j.found.Token, Fingerprint: s.fingerprintOf(sh, r, j.found.Token), Request: r, Known: true, Claims: s.claims}
	a, ok := sh.asker.Cached(q)
	if !ok {
		a = sh.asker.Identify(r.Context(), q)
	}
	if a.Outcome != introspect.Active {
		return a.Outcome == introspect.Inactive // then there is nobody to name
	}
	s.identity.set(r, s.vars(r, a.Identity))
	return true
}

func (s *Site) vars(r *http.Request, id *introspect.Identity) expr.Vars {
	return expr.Vars{
		User: id.Subject, Claims: id.Claims, Device: id.Device,
		Request: expr.RequestVars{Method: r.Method, Path: r.URL.Path, Headers: r.Header, IP: s.opts.ClientIP(r)},
	}
}

// setDevice gives a browser its device cookie with the first answer to a
// request that carries a token, and returns the browser's key with it.
// Anonymous requests get none: their answers may be kept by a shared cache.
func (s *Site) setDevice(w http.ResponseWriter, r *http.Request, sh *shared) string {
	if !sh.login {
		return ""
	}
	ip := s.opts.ClientIP(r)
	if b := sh.devices.Browser(r, r.TLS != nil, ip); b != "" {
		return b
	}
	ck, b := mint(sh, r, ip)
	http.SetCookie(w, ck)
	return b
}

// mint makes a device cookie, and the key that its browser will have.
func mint(sh *shared, r *http.Request, ip string) (*http.Cookie, string) {
	ck := sh.devices.Mint(r.TLS != nil)
	with := &http.Request{Header: http.Header{
		"Cookie": {ck.Name + "=" + ck.Value}, "User-Agent": r.Header["User-Agent"],
	}}
	return ck, sh.devices.Browser(with, r.TLS != nil, ip)
}

func (s *Site) setUser(r *http.Request, account string) {
	if account != "" {
		s.opts.SetUser(r, account)
	}
}
