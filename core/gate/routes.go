package gate

import (
	"net/http"

	"github.com/wsgate/wsgate/core/session"
)

// routes is a set of methods and exact paths; the method `*` is any. Exact, and
// as the client sent it: a prefix, or a cleaned path, would let
// `/login/../orders` pass as `/login`.
type routes map[session.Route]struct{}

func (rs routes) add(list ...session.Route) {
	for _, rt := range list {
		rs[rt] = struct{}{}
	}
}

func (rs routes) has(r *http.Request, path string) bool {
	if len(rs) == 0 {
		return false
	}
	if _, ok := rs[session.Route{Method: r.Method, Path: path}]; ok {
		return true
	}
	_, ok := rs[session.Route{Method: "*", Path: path}]
	return ok
}

// isPreflight says whether the request is a CORS preflight, which carries no
// credentials and must not be refused for the lack of any (Fetch §4.8).
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" &&
		r.Header.Get("Access-Control-Request-Method") != ""
}
