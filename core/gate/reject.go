package gate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

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
	headers  []HeaderValue
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
	r := rejection{status: c.Status, headers: c.Headers, mime: c.ContentType}
	if r.status == 0 {
		r.status = http.StatusUnauthorized
		if c.Redirect != "" {
			r.status = http.StatusFound
		}
	}
	body := c.Body
	if body == "" && c.Redirect == "" {
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
	_, err := newRejection(r)
	return err
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
	for _, hv := range rj.headers {
		h.Set(hv.Name, hv.Value)
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
