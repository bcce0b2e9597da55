package gate

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/token"
)

// familiarAt says whether a request would pass without being read.
func (n *node) familiarAt(r *http.Request) bool {
	sh := n.gate.shared.Load()
	m, ok := n.site.finder.Mark(r, false)
	return ok && n.site.knows(discard{http.Header{}}, r, sh, &m)
}

// What is remembered of a request is no way around a verdict: the login is refused at
// once when it ends, and whatever stands beside its token is judged.
func TestFamiliarRequestsAreJudged(t *testing.T) {
	t.Parallel()
	s := newStack(t, everywhere)
	n, other := s.node(), s.node()
	dead, live := displacedAt(n, n, "alice")
	bob := s.backend.Login("bob")
	r := func(headers ...string) *http.Request {
		return n.request(http.MethodGet, "/orders", "", append([]string{"Authorization", "Bearer " + bob}, headers...)...)
	}
	for range 2 {
		n.do(r())
	}
	if !n.familiarAt(r()) {
		t.Fatal("a request of a live login is not familiar")
	}
	for name, beside := range map[string]struct {
		path    string
		headers []string
		status  int
		want    string
	}{
		"dead in another header":          {headers: []string{"X-Access-Token", dead}, want: `"code":401`},
		"dead in the same header":         {headers: []string{"Authorization", "Bearer " + dead}, want: `"code":401`},
		"dead in a cookie":                {headers: []string{"Cookie", "tok=" + dead}, want: `"code":401`},
		"dead in the query":               {path: "?token=" + dead, want: `"code":401`},
		"dead in an escaped parameter":    {path: "?%74oken=" + dead, want: `"code":401`},
		"live of somebody else":           {headers: []string{"X-Access-Token", live}, want: "ambiguous_token"},
		"live of somebody else by cookie": {headers: []string{"Cookie", "tok=" + live}, want: "ambiguous_token"},
		"nothing":                         {want: "hello bob"},
		"its own by cookie":               {headers: []string{"Cookie", "tok=" + bob}, want: "hello bob"},
		"a foreign device cookie":         {headers: []string{"Cookie", "wsgate-did=forged"}, want: "hello bob"},
	} {
		for range 2 {
			req := r(beside.headers...)
			req.URL.RawQuery = strings.TrimPrefix(beside.path, "?")
			if _, body := n.do(req); !strings.Contains(body, beside.want) {
				t.Errorf("%s: %s", name, body)
			}
		}
	}
	if !n.familiarAt(r()) {
		t.Fatal("the request is no longer familiar")
	}
	if !other.passes(s.backend.Login("bob")) {
		t.Fatal("the newer login does not pass")
	}
	proctest.Eventually(t, patience, func() bool { return !n.familiarAt(r()) }, "the displaced login's request is familiar no more")
	if _, body := n.do(r()); !strings.Contains(body, `"code":401`) {
		t.Errorf("a displaced login's familiar request passed: %s", body)
	}
}

// Familiar requests get what others get: a device cookie where they have none, and the
// identity headers, not those that the client forged.
func TestFamiliarRequestsGetWhatOthersGet(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) { c.Guard.Forward = []Forward{{Header: "X-User", Value: "user"}} })
	n := s.node()
	bob := s.backend.Login("bob")
	for i := range 3 {
		res, body := n.get(bob, "X-User", "forged", "x_user", "forged")
		if len(res.Cookies()) != 1 || body != "hello bob" {
			t.Errorf("request %d: %s, cookies %v", i, body, res.Cookies())
		}
	}
	res, _ := n.get(bob)
	for i := range 3 {
		res, body := n.get(bob, "Cookie", res.Header.Get("Set-Cookie"))
		if len(res.Cookies()) != 0 || body != "hello bob" {
			t.Errorf("request %d with a device cookie: %s, cookies %v", i, body, res.Cookies())
		}
	}
	for i, r := range s.backend.Requests() {
		if r.Path == "/orders" && (len(r.Header["X-User"]) != 1 || r.Header.Get("X-User") != "1") {
			t.Errorf("request %d came with X-User %q", i, r.Header["X-User"])
		}
	}
}

// A configuration with another secret knows nobody.
func TestFamiliarOfAnotherSecret(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	bob := s.backend.Login("bob")
	res, _ := n.get(bob)
	withCookie := func() (*http.Response, string) { return n.get(bob, "Cookie", res.Header.Get("Set-Cookie")) }
	for range 2 {
		if res, _ := withCookie(); len(res.Cookies()) != 0 {
			t.Fatal("the device cookie is not taken")
		}
	}
	cfg := s.cfg
	cfg.Secret = "another secret of more than 16 bytes"
	if err := n.gate.Reconfigure(cfg, Options{}); err != nil {
		t.Fatal(err)
	}
	if res, body := withCookie(); len(res.Cookies()) != 1 || body != "hello bob" {
		t.Errorf("a device cookie of the old secret is still taken: %s", body)
	}
}

// Where tokens are shared, whose a request is depends on the browser too.
func TestFamiliarOfSharedTokens(t *testing.T) {
	t.Parallel()
	n := drfStack(t)
	a := &sharedBrowser{n: n, token: (&sharedBrowser{n: n}).backendToken()}
	for range 2 {
		if !a.passes() {
			t.Fatal("the login does not pass")
		}
	}
	if n.familiarAt(n.request(http.MethodGet, "/orders", "", a.headers()...)) {
		t.Error("a request with a shared token is known by its token")
	}
}

func TestFamiliarsAreBounded(t *testing.T) {
	t.Parallel()
	f, err := token.NewFinder(nil)
	if err != nil {
		t.Fatal(err)
	}
	fs := &familiars{}
	mark := func(i int) token.Mark {
		m, _ := f.Mark(&http.Request{URL: &url.URL{Path: "/"}, Header: http.Header{"Authorization": {fmt.Sprint("Bearer ", i)}}}, false)
		return m
	}
	const few = 1000
	for i := range few {
		for range 2 {
			fs.add(&familiar{mark: mark(i), fingerprint: token.Fingerprint{byte(i), byte(i >> 8)}})
		}
	}
	lost := 0
	for i := range few {
		m := mark(i)
		switch one := fs.get(&m); {
		case one == nil:
			lost++
		case one.fingerprint != token.Fingerprint{byte(i), byte(i >> 8)}:
			t.Fatalf("%d has another's fingerprint", i)
		}
	}
	if lost > few/50 {
		t.Errorf("%d of %d are forgotten with room for %d", lost, few, maxFamiliars)
	}
	for i := range 2 * maxFamiliars {
		fs.add(&familiar{mark: mark(i)})
	}
	if m := mark(2*maxFamiliars - 1); fs.get(&m) == nil {
		t.Error("the newest was not put in the place of another")
	}
}
