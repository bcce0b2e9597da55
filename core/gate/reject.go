package gate

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

// rejection writes the answers that a guarded request gets instead of the
// backend's.
type rejection struct {
	status   int
	headers  []HeaderValue
	mime     string
	body     wording
	redirect string
}

const (
	jsonType    = "application/json; charset=utf-8"
	invalidJSON = `{"error":"invalid_token","reason":"{reason}","message":"{message}"}`
	// RFC 6750 §3.1.
	invalidChallenge = `Bearer error="invalid_token"`
)

func newRejection(c *Reject) (rejection, error) {
	if c == nil {
		c = &Reject{}
	}
	r := rejection{status: c.Status, headers: c.Headers, mime: c.ContentType, redirect: c.Redirect}
	if r.status == 0 {
		r.status = http.StatusUnauthorized
		if r.redirect != "" {
			r.status = http.StatusFound
		}
	}
	body := c.Body
	if body == "" && r.redirect == "" {
		r.mime, body = jsonType, invalidJSON
	}
	var err error
	if r.body, err = newWording(body, strings.Contains(r.mime, "json")); err != nil {
		return r, fmt.Errorf("gate: guard reject: %w", err)
	}
	return r, nil
}

// dead answers a request of a login that was displaced or kicked.
func (rj *rejection) dead(s *Site, w http.ResponseWriter, r *http.Request, v session.Verdict, src token.Source) {
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
	if rj.redirect != "" {
		h.Set("Location", rj.redirect)
	}
	write(w, r, rj.status, rj.mime, rj.body.fill(detailsOf(&v)))
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
	"kicked":    "this login was ended by an administrator",
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
