package gate

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

// maxForm bounds the body of a request to an endpoint of the gate's own, in bytes.
const maxForm = 16 << 10

// takeover answers POST <endpoints>/takeover: a login that was denied, and its ticket,
// take over a seat. "Already logged in elsewhere, continue here?" is this one request.
func (s *Site) takeover(w http.ResponseWriter, r *http.Request) {
	found, ok := s.presented(w, r)
	if !ok {
		return
	}
	ticket, err := formValue(r, "ticket")
	if err != nil || ticket == "" {
		s.fail(w, r, http.StatusBadRequest, "bad_request", "send the ticket of the answer that denied the login, as JSON or as a form")
		return
	}
	sh := s.gate.shared.Load()
	if !sh.login {
		s.fail(w, r, http.StatusNotFound, "not_found", "logins are not limited here")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), resolveTimeout)
	defer cancel()
	res, err := s.takeOver(ctx, sh, r, found, ticket)
	if d, denied := asDenial(err); denied {
		s.deny(w, r, d)
		return
	}
	switch {
	case errors.Is(err, errInactive):
		s.fail(w, r, http.StatusUnauthorized, "inactive_token", "the token is not active")
	case err != nil:
		s.fail(w, r, http.StatusServiceUnavailable, "unavailable", "the login can't be verified now")
	case !res.Live():
		s.reject.dead(s, w, r, res.Verdict(), found.Source)
	default:
		s.rejectHeaders(w.Header(), r)
		write(w, r, http.StatusOK, jsonType, `{"outcome":"live"}`)
	}
}

func (s *Site) takeOver(ctx context.Context, sh *shared, r *http.Request, found token.Found, ticket string) (session.Result, error) {
	c := s.caller(sh, r)
	fp := sh.fingerprint(found.Token, c.browser)
	known, err := s.lookup(ctx, sh, c, fp)
	if err != nil {
		return session.Result{}, errUnavailable
	}
	q := introspect.Query{Token: found.Token, Fingerprint: fp, Request: c.request, Known: !known.Identity.IsZero(), Claims: s.claims}
	id, err := s.identify(ctx, sh, q, c.ip)
	if err != nil {
		return session.Result{}, err
	}
	sh.denials.remove(fp)
	res, err := s.claim(ctx, sh, c, q, id, session.Claim{Login: session.Login{Identity: known.Identity}, Takeover: ticket})
	if err == nil && res.Outcome == session.OutcomeDenied {
		return res, denialOf(&res)
	}
	return res, err
}

// presented yields the one token of a request to an endpoint of the gate's own, or
// answers that there is none.
func (s *Site) presented(w http.ResponseWriter, r *http.Request) (token.Found, bool) {
	found, ref := s.present(r)
	if ref != nil {
		s.fail(w, r, ref.status, ref.code, ref.message)
	}
	return found, ref == nil
}

// present yields the one token of a request. A page of a foreign origin may not use
// one, and one in a cookie takes an Origin to change anything.
func (s *Site) present(r *http.Request) (token.Found, *refusal) {
	if !s.origins.ok(r) {
		return token.Found{}, &refusal{status: http.StatusForbidden, code: "forbidden_origin", message: "this origin may not do that here"}
	}
	found := s.finder.HTTP(r, nil)
	switch {
	case len(found) == 0:
		return token.Found{}, &refusal{status: http.StatusUnauthorized, code: "missing_token", message: "send a token"}
	case len(found) > 1 || !found[0].Canonical:
		return token.Found{}, &refusal{status: http.StatusBadRequest, code: "bad_token", message: "the token is malformed, or there are two"}
	case found[0].Source.Kind == token.Cookie && r.Header.Get("Origin") == "" && r.Method != http.MethodGet && r.Method != http.MethodHead:
		return token.Found{}, &refusal{status: http.StatusForbidden, code: "forbidden_origin", message: "a token in a cookie needs an Origin header"}
	}
	return found[0], nil
}

// formValue reads one value of a small JSON object or form.
func formValue(r *http.Request, name string) (string, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxForm))
	if err != nil {
		return "", err
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		return form.Get(name), err
	}
	var object map[string]any
	if err := json.Unmarshal(body, &object); err != nil {
		return "", err
	}
	value, _ := object[name].(string)
	return value, nil
}
