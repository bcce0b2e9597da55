package gate

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// origins decides which pages may open sockets, and which get CORS headers on
// a rejection (RFC 6454; cross-site WebSocket hijacking).
type origins struct {
	allowed map[string]struct{} // empty: the same host only
}

func newOrigins(list []string) (origins, error) {
	o := origins{allowed: make(map[string]struct{}, len(list))}
	for _, s := range list {
		u, err := url.Parse(s)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" ||
			u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Path != "" && u.Path != "/") {
			return o, fmt.Errorf("gate: origin %q: want scheme and host only, such as https://app.example.com", s)
		}
		if strings.Contains(u.Host, "*") {
			return o, fmt.Errorf("gate: origin %q: an origin is exact and takes no *: name each", s)
		}
		o.allowed[normalOrigin(u)] = struct{}{}
	}
	return o, nil
}

// ok says whether the request's Origin may open a socket. An absent Origin is
// no browser's, and allowed here: whether it may use a cookie is for the
// caller, who knows where the token came from.
func (o origins) ok(r *http.Request) bool {
	values := r.Header["Origin"]
	if len(values) == 0 {
		return true
	}
	if len(values) > 1 {
		return false
	}
	u, err := url.Parse(values[0])
	// "null" (sandboxed frames, file pages) parses to an empty host.
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return false
	}
	if len(o.allowed) > 0 {
		_, ok := o.allowed[normalOrigin(u)]
		return ok
	}
	if r.TLS != nil && u.Scheme != "https" {
		return false
	}
	// A gate behind a TLS-terminating balancer sees plain HTTP, and a Host
	// without a port: the page's own scheme says which port that means.
	return hostPort(u.Host, u.Scheme) == hostPort(r.Host, u.Scheme)
}

func normalOrigin(u *url.URL) string {
	return u.Scheme + "://" + hostPort(u.Host, u.Scheme)
}

// hostPort is the lower-case host with its port written out.
func hostPort(host, scheme string) string {
	h := strings.ToLower(host)
	if _, _, err := net.SplitHostPort(h); err == nil {
		return h
	}
	port := "80"
	if scheme == "https" {
		port = "443"
	}
	return net.JoinHostPort(strings.Trim(h, "[]"), port)
}
