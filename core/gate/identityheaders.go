package gate

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/wsgate/wsgate/core/expr"
)

// identityHeaders are the headers that tell the backend who is asking.
type identityHeaders struct {
	rules []identityHeader
}

type identityHeader struct {
	name   string // canonical
	folded string
	value  *expr.Program
}

// Validate says why the header can't be set behind the others.
func (f Forward) Validate(others []Forward) error {
	name := http.CanonicalHeaderKey(f.Header)
	switch {
	case !httpguts.ValidHeaderFieldName(f.Header):
		return fmt.Errorf("gate: guard forward: %q is no header name", f.Header)
	case ownHeaders[name]:
		return fmt.Errorf("gate: guard forward: %s is the connection's own, or the host: choose another name, such as X-User", name)
	case slices.ContainsFunc(others, func(o Forward) bool { return http.CanonicalHeaderKey(o.Header) == name }):
		return fmt.Errorf("gate: guard forward %s stands twice: write it once", name)
	}
	return nil
}

// ownHeaders are those that Go's server or client, or a proxy, writes itself (RFC 9110
// §7.6.1).
var ownHeaders = map[string]bool{
	"Host": true, "Connection": true, "Content-Length": true, "Keep-Alive": true, "Proxy-Connection": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

func newIdentityHeaders(list []Forward) (identityHeaders, error) {
	var h identityHeaders
	for i, f := range list {
		if err := f.Validate(list[:i]); err != nil {
			return h, err
		}
		p, err := expr.Compile(expr.Request, f.Value, expr.String)
		if err != nil {
			return h, err
		}
		name := http.CanonicalHeaderKey(f.Header)
		h.rules = append(h.rules, identityHeader{name: name, folded: foldHeader(name), value: p})
	}
	return h, nil
}

func (h identityHeaders) usesClaims() bool {
	return slices.ContainsFunc(h.rules, func(r identityHeader) bool { return r.value.UsesClaims() })
}

// foldHeader maps every spelling that some server takes for the same header to
// one: CGI and WSGI fold case, and `-` with `_`.
func foldHeader(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "_", "-")
}

func (h identityHeaders) has(name string) bool {
	folded := foldHeader(name)
	for i := range h.rules {
		if h.rules[i].folded == folded {
			return true
		}
	}
	return false
}

// strip deletes what a client forged, in every spelling, and the names from
// Connection: a proxy would drop a header that Connection names, ours too
// (RFC 9110 §7.6.1).
func (h identityHeaders) strip(r *http.Request) {
	if len(h.rules) == 0 {
		return
	}
	for name := range r.Header {
		if h.has(name) {
			delete(r.Header, name)
		}
	}
	for name := range r.Trailer {
		if h.has(name) {
			delete(r.Trailer, name)
		}
	}
	values := r.Header["Connection"]
	for i, v := range values {
		options := strings.Split(v, ",")
		kept := options[:0]
		for _, o := range options {
			if !h.has(strings.TrimSpace(o)) {
				kept = append(kept, o)
			}
		}
		values[i] = strings.Join(kept, ",")
	}
}

// set adds the headers of an identified request. An expression that yields
// nothing sets nothing.
func (h identityHeaders) set(r *http.Request, v expr.Vars) {
	for i := range h.rules {
		if s, ok := h.rules[i].value.String(v); ok && !strings.ContainsAny(s, "\r\n\x00") {
			r.Header[h.rules[i].name] = []string{s}
		}
	}
}
