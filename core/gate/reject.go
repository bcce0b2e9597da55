package gate

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

// rejections are the answers that a guarded request of a dead login gets instead of
// the backend's.
type rejections struct {
	displaced, kicked rejection
}

// rejection is one of them.
type rejection struct {
	status   int
	headers  http.Header
	mime     string
	body     wording
	redirect wording
}

const (
	jsonType    = "application/json; charset=utf-8"
	invalidJSON = `{"error":"invalid_token","reason":"{reason}","message":"{message}"}`
	// RFC 6750 §3.1.
	invalidChallenge = `Bearer error="invalid_token"`
)

// newRejections makes the configured answers, or the preset's.
func newRejections(g *Guard, p introspect.Preset) (rejections, error) {
	var rs rejections
	for _, e := range []struct {
		to  *rejection
		own *Reject
	}{{&rs.displaced, g.RejectDisplaced}, {&rs.kicked, g.RejectKicked}} {
		var err error
		if *e.to, err = newRejection(cmp.Or(e.own, g.Reject, rejectOf(p))); err != nil {
			return rs, err
		}
	}
	return rs, nil
}

func newRejection(c *Reject) (rejection, error) {
	if c == nil {
		c = &Reject{}
	}
	r := rejection{status: c.Status, headers: http.Header{}, mime: c.ContentType}
	for _, hv := range c.Headers {
		r.headers.Add(hv.Name, hv.Value)
	}
	if r.status == 0 {
		r.status = http.StatusUnauthorized
		if c.Redirect != "" {
			r.status = http.StatusFound
		}
	}
	body := c.Body
	if body == "" && c.Redirect == "" && r.status != http.StatusNoContent {
		r.mime, body = jsonType, invalidJSON
	}
	var err error
	if r.body, err = bodyWording(body, r.mime); err == nil {
		r.redirect, err = urlWording(c.Redirect)
	}
	if err != nil {
		return r, fmt.Errorf("gate: guard reject: %w", err)
	}
	return r, nil
}

// Validate says what is wrong with the answer.
func (r *Reject) Validate() error {
	if r.Status != 0 && (r.Status < 200 || r.Status > 599) {
		return fmt.Errorf("gate: guard reject: status %d is no HTTP status from 200 to 599", r.Status)
	}
	if err := r.validateRedirect(); err != nil {
		return fmt.Errorf("gate: guard reject: %w", err)
	}
	for _, hv := range r.Headers {
		if r.Redirect != "" && http.CanonicalHeaderKey(hv.Name) == "Location" {
			return errors.New("gate: guard reject: header Location is redirect's: write one of them")
		}
		if err := hv.validate(); err != nil {
			return fmt.Errorf("gate: guard reject: header %s: %w", hv.Name, err)
		}
	}
	if r.Body != "" && !strings.Contains(r.ContentType, "/") {
		return fmt.Errorf("gate: guard reject: body: %q is no content type: want one such as application/json", r.ContentType)
	}
	if r.Body != "" && r.Status == http.StatusNoContent {
		return errors.New("gate: guard reject: status 204 has no body: leave the body out, or choose another status")
	}
	if r.Status == http.StatusNotModified {
		return errors.New("gate: guard reject: status 304 has a client take what it has: choose another, such as 401")
	}
	_, err := newRejection(r)
	return err
}

func (r *Reject) validateRedirect() error {
	if r.Redirect == "" {
		return nil
	}
	before, _, word := strings.Cut(r.Redirect, "{")
	switch {
	case !strings.HasPrefix(before, "/") && !strings.HasPrefix(before, "http://") && !strings.HasPrefix(before, "https://"):
		return fmt.Errorf("redirect %q: want a path such as /login, or a URL of http:// or https://", r.Redirect)
	case word && !strings.ContainsAny(before, "?#"):
		return fmt.Errorf("redirect %q: a {word} may stand in the query only, such as /login?why={reason}", r.Redirect)
	case r.Status != 0 && (r.Status < 300 || r.Status > 399):
		return fmt.Errorf("redirect needs a status from 300 to 399, not %d: leave the status out for 302", r.Status)
	}
	return nil
}

func (h HeaderValue) validate() error {
	switch name := http.CanonicalHeaderKey(h.Name); {
	case !httpguts.ValidHeaderFieldName(h.Name) || !httpguts.ValidHeaderFieldValue(h.Value):
		return errors.New("that can't be a header's name and value")
	case ownHeaders[name]:
		return errors.New("that is the connection's own: leave it out")
	case name == "Cache-Control" && !strings.Contains(h.Value, "no-store"):
		return errors.New("a refusal is never kept, and says no-store: leave it out")
	case name == "Content-Type":
		return errors.New("write it with the body: `body <content type> <template>`")
	}
	return nil
}

// dead answers a request of a login that was displaced or kicked.
func (rs *rejections) dead(s *Site, w http.ResponseWriter, r *http.Request, v session.Verdict, src token.Source) {
	rj := &rs.displaced
	if v.Reason == session.ReasonKicked {
		rj = &rs.kicked
	}
	h := w.Header()
	s.rejectHeaders(h, r)
	if src.Kind == token.Cookie {
		// Left alone, the browser would send the dead cookie with every request,
		// a new login's too.
		http.SetCookie(w, &http.Cookie{Name: src.Name, Path: "/", MaxAge: -1})
	}
	if rj.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", invalidChallenge) // RFC 9110 §15.5.2 requires one
	}
	for name, values := range rj.headers {
		if name != "Set-Cookie" { // beside the one that clears the token's
			h.Del(name)
		}
		h[name] = append(h[name], values...)
	}
	d := detailsOf(&v)
	if to := rj.redirect.fill(d); to != "" {
		h.Set("Location", to)
	}
	write(w, r, rj.status, rj.mime, rj.body.fill(d))
}

// publicReason folds what the registry knows into what a client is told.
func publicReason(r session.Reason) string {
	switch r {
	case session.ReasonKicked:
		return "kicked"
	case session.ReasonLogout:
		return "expired"
	case session.ReasonDenied:
		return "denied"
	default:
		return "displaced"
	}
}

var reasonText = map[string]string{
	"displaced": "this account was logged in somewhere else",
	"kicked":    "this login was ended by an administrator, or from elsewhere by its owner",
	"expired":   "this login has ended",
	"denied":    "this account is in use elsewhere",
	"gap":       "messages may be missing",
}

// fail answers with an error that is wsgate's own and not the rejection's shape.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	s.rejectHeaders(w.Header(), r)
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
	}
	b, _ := json.Marshal(struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}{code, message})
	write(w, r, status, jsonType, string(b))
}

const retryAfter = 5 * time.Second

// rejectHeaders are on every answer that the gate gives in the backend's
// stead: no cache may keep it, and a page of an allowed origin may read it.
func (s *Site) rejectHeaders(h http.Header, r *http.Request) {
	h.Set("Cache-Control", "no-store")
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	h.Add("Vary", "Origin")
	if s.origins.ok(r) {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After")
	}
}

func write(w http.ResponseWriter, r *http.Request, status int, mime, body string) {
	h := w.Header()
	if body != "" {
		if mime != "" {
			h.Set("Content-Type", mime)
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		h.Set("X-Content-Type-Options", "nosniff")
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead && body != "" {
		_, _ = w.Write([]byte(body)) // the client may have gone; there is nobody to tell
	}
}
