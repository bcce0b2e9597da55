package gate

import (
	"net/http"
	"strings"
)

// endpoints serves what is under the gate's own prefix and says whether the
// request was for it.
func (s *Site) endpoints(w http.ResponseWriter, r *http.Request, path string) bool {
	rest, ok := strings.CutPrefix(path, s.prefix+"/")
	if !ok {
		return false
	}
	w.Header().Set("Cache-Control", "no-store")
	switch rest {
	case "takeover":
		s.post(w, r, s.takeover)
		return true
	case "ticket":
		if s.finder.Tickets() {
			s.post(w, r, s.ticket)
			return true
		}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		write(w, r, http.StatusMethodNotAllowed, "text/plain; charset=utf-8", "method not allowed\n")
		return true
	}
	switch rest {
	case "client.js":
		clientJS(w, r)
	case "healthz":
		// The process serves requests; whether it is any use is readyz's to say.
		write(w, r, http.StatusOK, "text/plain; charset=utf-8", "ok\n")
	case "readyz":
		if s.gate.Ready() {
			write(w, r, http.StatusOK, "text/plain; charset=utf-8", "ready\n")
			break
		}
		write(w, r, http.StatusServiceUnavailable, "text/plain; charset=utf-8", "redis is not reachable\n")
	default:
		write(w, r, http.StatusNotFound, "text/plain; charset=utf-8", "not found\n")
	}
	return true
}

// post has f answer a POST, and a page of an allowed origin ask whether it may send
// one.
func (s *Site) post(w http.ResponseWriter, r *http.Request, f func(http.ResponseWriter, *http.Request)) {
	switch {
	case r.Method == http.MethodPost:
		f(w, r)
	case isPreflight(r) && s.origins.ok(r):
		s.preflight(w, r, http.MethodPost)
	default:
		w.Header().Set("Allow", http.MethodPost)
		write(w, r, http.StatusMethodNotAllowed, "text/plain; charset=utf-8", "method not allowed\n")
	}
}

// preflight answers that a page of an allowed origin may use these methods.
func (s *Site) preflight(w http.ResponseWriter, r *http.Request, methods string) {
	h := w.Header()
	s.rejectHeaders(h, r)
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
	w.WriteHeader(http.StatusNoContent)
}
