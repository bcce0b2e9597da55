package gate

import (
	"net/http"
	"strings"

	"github.com/wsgate/wsgate/core/session"
)

// routes is a set of methods and exact paths; the method `*` is any. Exact, and
// as the client sent it: a mere prefix, or a cleaned path, would let
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

// passRoutes are the requests that are never judged: routes, and what lies below a
// path that ends in `/*`.
type passRoutes struct {
	exact routes
	below []session.Route // each with a slash at the end
}

func (p *passRoutes) add(list ...session.Route) {
	for _, rt := range list {
		if dir, ok := below(rt.Path); ok {
			p.below = append(p.below, session.Route{Method: rt.Method, Path: dir})
			continue
		}
		p.exact.add(rt)
	}
}

func (p *passRoutes) has(r *http.Request, path string) bool {
	if p.exact.has(r, path) {
		return true
	}
	for _, rt := range p.below {
		if strings.HasPrefix(path, rt.Path) && (rt.Method == "*" || rt.Method == r.Method) && isPlainPath(path) {
			return true
		}
	}
	return false
}

// below yields the directory, with its slash, of a path that stands for all below it.
func below(path string) (dir string, ok bool) {
	if !strings.HasSuffix(path, "/*") {
		return "", false
	}
	return path[:len(path)-1], true
}

// isPlainPath says that every server takes a decoded path as it stands: it has
// nothing in it that some would resolve, decode once more or cut off, and so come
// to a path above the one that it seems to lie below.
func isPlainPath(path string) bool {
	if strings.ContainsAny(path, "\\;%") || strings.Contains(path, "//") {
		return false
	}
	for s := range strings.SplitSeq(path, "/") {
		if s == "." || s == ".." {
			return false
		}
	}
	return true
}

// isPreflight says whether the request is a CORS preflight, which carries no
// credentials and must not be refused for the lack of any (Fetch §4.8).
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" &&
		r.Header.Get("Access-Control-Request-Method") != ""
}
