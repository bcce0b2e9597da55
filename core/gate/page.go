package gate

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/wsgate/wsgate/core/expr"
)

// page is where the site's own users see and end logins: a path, and what is under it.
// Nothing of it reaches the backend.
type page struct {
	path  string
	allow *expr.Program // nil: every live login
	ruoyi bool          // speaks as a RuoYi backend does
	serve func(s *Site, p *page, w http.ResponseWriter, r *http.Request, by visitor, rest string) error
}

func (p *page) usesClaims() bool { return p.allow != nil && p.allow.UsesClaims() }

// servePages serves the pages about logins and says whether the request was for one.
func (s *Site) servePages(w http.ResponseWriter, r *http.Request, path string) bool {
	for _, p := range s.pages {
		if under(path, p.path) {
			s.servePage(w, r, p, path[len(p.path):])
			return true
		}
	}
	return false
}

func (s *Site) servePage(w http.ResponseWriter, r *http.Request, p *page, rest string) {
	if isPreflight(r) && s.origins.ok(r) {
		s.preflight(w, r, "GET, DELETE")
		return
	}
	sh := s.gate.shared.Load()
	ctx, cancel := context.WithTimeout(r.Context(), resolveTimeout)
	defer cancel()
	r = r.WithContext(ctx)
	by, err := s.visit(r, sh, p.allow)
	if err == nil {
		err = p.serve(s, p, w, r, by, rest)
	}
	if err != nil {
		s.failPage(w, r, p, err)
	}
}

// failPage answers with what went wrong.
func (s *Site) failPage(w http.ResponseWriter, r *http.Request, p *page, err error) {
	var (
		ref    *refusal
		dead   deadLogin
		method notAllowed
	)
	d, denied := asDenial(err)
	if denied {
		s.gate.metrics.denied.Add(1)
	}
	switch {
	case errors.As(err, &dead):
		s.gate.metrics.rejected(dead.verdict.Reason)
		s.reject.dead(s, w, r, dead.verdict, dead.source)
		return
	case denied && !p.ruoyi:
		s.deny(w, r, d)
		return
	case denied:
		ref = &refusal{status: http.StatusConflict, message: reasonText["denied"]}
	case errors.As(err, &method):
		w.Header().Set("Allow", string(method))
		ref = &refusal{http.StatusMethodNotAllowed, "method_not_allowed", method.Error()}
	case errors.As(err, &ref):
	default:
		s.gate.trouble("logins can't be read", err)
		ref = refusedUnread
	}
	if p.ruoyi {
		s.answer(w, r, ruoyiAnswer{Code: ref.status, Msg: ref.message})
		return
	}
	s.fail(w, r, ref.status, ref.code, ref.message)
}

// answer answers 200 with JSON, which no cache keeps.
func (s *Site) answer(w http.ResponseWriter, r *http.Request, v any) {
	s.rejectHeaders(w.Header(), r)
	b, _ := json.Marshal(v) // of strings, numbers and times
	write(w, r, http.StatusOK, jsonType, string(b))
}
