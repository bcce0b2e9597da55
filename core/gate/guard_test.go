package gate

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

// respell gives a JWT another spelling that lenient decoders take for the same.
func respell(jwt string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	i := strings.IndexByte(alphabet, jwt[len(jwt)-1])
	return jwt[:len(jwt)-1] + string(alphabet[i^1])
}

func everywhere(c *Config) {
	c.Tokens = []token.Source{
		{Kind: token.Header, Name: "Authorization", Scheme: "Bearer", SchemeOptional: true},
		{Kind: token.Header, Name: "X-Access-Token"},
		{Kind: token.Cookie, Name: "tok"},
		{Kind: token.Query, Name: "token"},
	}
}

func TestDisplacedLoginStaysOut(t *testing.T) {
	t.Parallel()
	s := newStack(t, everywhere)
	n := s.node()
	old, fresh := displacedAt(n, n, "bob")
	alice := s.backend.Login("alice")
	for _, c := range []struct {
		name    string
		path    string
		headers []string
	}{
		{"as it was", "/orders", []string{"Authorization", "Bearer " + old}},
		{"last character changed", "/orders", []string{"Authorization", "Bearer " + respell(old)}},
		{"padded", "/orders", []string{"Authorization", "Bearer " + old + "=="}},
		{"foreign character", "/orders", []string{"Authorization", "Bearer " + old[:len(old)-4] + "!" + old[len(old)-4:]}},
		{"no scheme", "/orders", []string{"Authorization", old}},
		{"scheme in capitals", "/orders", []string{"Authorization", "BEARER " + old}},
		{"scheme twice", "/orders", []string{"Authorization", "Bearer Bearer " + old}},
		{"scheme in the middle", "/orders", []string{"Authorization", "Bearer " + old[:10] + "Bearer " + old[10:]}},
		{"another header", "/orders", []string{"X-Access-Token", old}},
		{"a cookie", "/orders", []string{"Cookie", "tok=" + old}},
		{"an encoded cookie", "/orders", []string{"Cookie", "tok=" + strings.ReplaceAll(old, ".", "%2E")}},
		{"the query", "/orders?token=" + old, nil},
		{"the encoded query", "/orders?tok%65n=" + url.QueryEscape(old), nil},
		{"the query of an old server", "/orders?x=1;token=" + old, nil},
		{"beside garbage", "/orders", []string{"X-Access-Token", "garbage", "Authorization", "Bearer " + old}},
		{"behind garbage of the same name", "/orders", []string{"Authorization", "Bearer garbage", "Authorization", "Bearer " + old}},
		{"beside a live one of another account", "/orders", []string{"X-Access-Token", alice, "Authorization", "Bearer " + old}},
		{"beside the live one of its own account", "/orders", []string{"X-Access-Token", fresh, "Authorization", "Bearer " + old}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := s.backend.Calls("/orders")
			_, body := n.do(n.request(http.MethodGet, c.path, "", c.headers...))
			if !strings.Contains(body, `"code":401`) || s.backend.Calls("/orders") != before {
				t.Errorf("reached the backend: %s", body)
			}
		})
	}
	if !n.passes(fresh) || !n.passes(alice) {
		t.Error("a live login was harmed")
	}
}

func TestTwoLiveLoginsInOneRequest(t *testing.T) {
	t.Parallel()
	s := newStack(t, everywhere)
	n := s.node()
	res, _ := n.get(s.backend.Login("bob"), "X-Access-Token", s.backend.Login("alice"))
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d, want 400", res.StatusCode)
	}
}

func TestGuardPasses(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) {
		c.Guard.Pass = []session.Route{{Method: "GET", Path: "/public"}, {Method: "*", Path: "/any"}, {Method: "GET", Path: "/static/*"}}
	})
	n := s.node()
	old, _ := displacedAt(n, n, "bob")
	for _, c := range []struct {
		name, method, path string
		headers            []string
		passes             bool
	}{
		{name: "no token", method: "GET", path: "/orders", passes: true},
		{name: "the word undefined", method: "GET", path: "/orders", headers: []string{"Authorization", "Bearer undefined"}, passes: true},
		{name: "inactive", method: "GET", path: "/orders", headers: []string{"Authorization", "Bearer nobody"}, passes: true},
		{name: "too long", method: "GET", path: "/orders", headers: []string{"Authorization", "Bearer " + strings.Repeat("x", 9<<10)}, passes: true},
		{name: "dead", method: "GET", path: "/orders", headers: []string{"Authorization", "Bearer " + old}},
		{name: "dead on a pass path", method: "GET", path: "/public", headers: []string{"Authorization", "Bearer " + old}, passes: true},
		{name: "dead on a pass path of any method", method: "PUT", path: "/any", headers: []string{"Authorization", "Bearer " + old}, passes: true},
		{name: "dead on a pass path by another method", method: "POST", path: "/public", headers: []string{"Authorization", "Bearer " + old}},
		{name: "dead below a pass path", method: "GET", path: "/public/orders", headers: []string{"Authorization", "Bearer " + old}},
		{name: "dead below a pass directory", method: "GET", path: "/static/js/app.1.js", headers: []string{"Authorization", "Bearer " + old}, passes: true},
		{name: "dead at a pass directory", method: "GET", path: "/static", headers: []string{"Authorization", "Bearer " + old}},
		{name: "dead beside a pass directory", method: "GET", path: "/statics/x", headers: []string{"Authorization", "Bearer " + old}},
		{name: "dead below a pass directory by another method", method: "POST", path: "/static/x", headers: []string{"Authorization", "Bearer " + old}},
		{name: "dead out of a pass directory", method: "GET", path: "/static/../orders", headers: []string{"Authorization", "Bearer " + old}},
		{name: "dead out of a pass directory, escaped", method: "GET", path: "/static/%2e%2e/orders", headers: []string{"Authorization", "Bearer " + old}},
		{name: "dead out of a pass directory, a slash escaped", method: "GET", path: "/static/..%2forders", headers: []string{"Authorization", "Bearer " + old}},
		{name: "dead out of a pass directory, escaped twice", method: "GET", path: "/static/%252e%252e/orders", headers: []string{"Authorization", "Bearer " + old}},
		{name: "dead out of a pass directory, for Tomcat", method: "GET", path: "/static/..;/orders", headers: []string{"Authorization", "Bearer " + old}},
		{name: "dead out of a pass directory, for Windows", method: "GET", path: "/static/..%5corders", headers: []string{"Authorization", "Bearer " + old}},
		{name: "dead on the preset's way out", method: "POST", path: "/logout", headers: []string{"Authorization", "Bearer " + old}, passes: true},
		{name: "preflight", method: "OPTIONS", path: "/orders", headers: []string{"Origin", "http://x.example", "Access-Control-Request-Method", "GET", "Authorization", "Bearer " + old}, passes: true},
		{name: "OPTIONS that is no preflight", method: "OPTIONS", path: "/orders", headers: []string{"Authorization", "Bearer " + old}},
		{name: "plain request on the socket path", method: "GET", path: "/ws", headers: []string{"Authorization", "Bearer " + old}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := s.backend.Calls(c.path)
			_, body := n.do(n.request(c.method, c.path, "", c.headers...))
			if got := s.backend.Calls(c.path) > before; got != c.passes {
				t.Errorf("reached the backend: %v, want %v: %s", got, c.passes, body)
			}
		})
	}
}

func TestRejectShapes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		reject *Reject
		source []string
		check  func(t *testing.T, res *http.Response, body string)
	}{
		{"default", &Reject{}, nil, func(t *testing.T, res *http.Response, body string) {
			if res.StatusCode != 401 || res.Header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` ||
				!strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") || !strings.Contains(body, `"reason":"displaced"`) {
				t.Errorf("%d %v %s", res.StatusCode, res.Header, body)
			}
		}},
		{"own", &Reject{Status: 499, Headers: []HeaderValue{{Name: "X-Why", Value: "out"}}, ContentType: "text/plain", Body: "you were {reason}"}, nil, func(t *testing.T, res *http.Response, body string) {
			if res.StatusCode != 499 || res.Header.Get("X-Why") != "out" || body != "you were displaced" {
				t.Errorf("%d %v %s", res.StatusCode, res.Header, body)
			}
		}},
		{"redirect", &Reject{Redirect: "/login?out"}, nil, func(t *testing.T, res *http.Response, _ string) {
			if res.StatusCode != 302 || res.Header.Get("Location") != "/login?out" {
				t.Errorf("%d %v", res.StatusCode, res.Header)
			}
		}},
		{"cookie is cleared", &Reject{}, []string{"cookie"}, func(t *testing.T, res *http.Response, _ string) {
			for _, ck := range res.Cookies() {
				if ck.Name == "tok" && ck.MaxAge < 0 {
					return
				}
			}
			t.Errorf("the dead cookie stays: %v", res.Header["Set-Cookie"])
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, everywhere, func(cfg *Config) { cfg.Guard.Reject = c.reject })
			n := s.node()
			old, _ := displacedAt(n, n, "bob")
			headers := []string{"Authorization", "Bearer " + old}
			if c.source != nil {
				headers = []string{"Cookie", "tok=" + old}
			}
			res, body := n.do(n.request(http.MethodGet, "/orders", "", headers...))
			c.check(t, res, body)
			if res.Header.Get("Cache-Control") != "no-store" {
				t.Error("a cache may keep the refusal")
			}
		})
	}
}

func TestForwardedIdentityCantBeForged(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) {
		c.Guard.Forward = []Forward{{Header: "X-User", Value: "user"}, {Header: "X-Name", Value: "claims.user.userName"}}
	})
	n := s.node()
	n.get(s.backend.Login("bob"), "X-User", "1", "x_user", "1", "X_User", "1", "X-Name", "root", "Connection", "x-user")
	n.do(n.request(http.MethodGet, "/anonymous", "", "X-User", "1"))
	n.do(n.request(http.MethodPost, "/login", `{"username":"bob"}`, "X-User", "1"))
	seen := 0
	for _, r := range s.backend.Requests() {
		switch r.Path {
		case "/orders":
			seen++
			if got := r.Header.Get("X-User"); got != "1" || len(r.Header["X-User"]) != 1 {
				t.Errorf("X-User = %q", r.Header["X-User"])
			}
			if got := r.Header.Get("X-Name"); got != "bob" {
				t.Errorf("X-Name = %q", got)
			}
		case "/anonymous", "/login":
			seen++
			if r.Header.Get("X-User") != "" {
				t.Errorf("%s got a forged X-User", r.Path)
			}
		}
	}
	if seen != 3 {
		t.Errorf("%d requests seen, want 3", seen)
	}
}

func TestQueryTokenIsRemoved(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	tok := s.backend.Login("bob")
	n.do(n.request(http.MethodGet, "/both?a=1&token="+tok+"&b=%2f", "", "Authorization", "Bearer "+tok))
	n.do(n.request(http.MethodGet, "/only?token="+tok, ""))
	n.do(n.request(http.MethodGet, "/ws?token="+tok, ""))
	want := map[string]string{"/both": "a=1&b=%2f", "/only": "token=" + tok, "/ws": ""}
	for _, r := range s.backend.Requests() {
		if q, ok := want[r.Path]; ok {
			if r.Query != q {
				t.Errorf("%s: query %q, want %q", r.Path, r.Query, q)
			}
			delete(want, r.Path)
		}
	}
	if len(want) > 0 {
		t.Errorf("not seen: %v", want)
	}
}

func TestGuardOff(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) { c.Guard.Off = true })
	n := s.node()
	old := s.backend.Login("bob")
	first := n.socket(old)
	n.socket(s.backend.Login("bob"))
	first.Expect("loginOut")
	first.ExpectClose(4501)
	if !n.passes(old) {
		t.Error("a request was refused with the guard off")
	}
}

func TestExtendedConnect(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	old, _ := displacedAt(n, n, "bob")
	for path, status := range map[string]int{"/ws": http.StatusNotImplemented, "/other": http.StatusOK} {
		r := n.request(http.MethodConnect, path, "", "Authorization", "Bearer "+old)
		r.Header[":protocol"] = []string{"websocket"}
		rec := httptest.NewRecorder()
		r.RequestURI = path
		passed := false
		_ = n.site.ServeHTTP(rec, r, func(http.ResponseWriter, *http.Request) error { passed = true; return nil })
		if rec.Code != status || passed {
			t.Errorf("%s: status %d, passed %v", path, rec.Code, passed)
		}
	}
}

func TestFailChoiceWithRedisDown(t *testing.T) {
	t.Parallel()
	for _, fail := range []string{"open", "closed"} {
		t.Run(fail, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, func(c *Config) { c.Login.Fail = fail })
			n := s.node()
			s.redis.Kill()
			proctest.Eventually(t, patience, func() bool { return !n.gate.Ready() }, "the outage is noticed")
			tok := s.backend.Login("bob")
			res, _ := n.get(tok)
			if want := map[string]int{"open": 200, "closed": 503}[fail]; res.StatusCode != want {
				t.Errorf("HTTP: status %d, want %d", res.StatusCode, want)
			}
			if fail == "closed" {
				if res := proctest.Refused(t, n.srv.URL+"/ws?token="+tok); res.StatusCode != 503 {
					t.Errorf("socket: status %d, want 503", res.StatusCode)
				}
				return
			}
			first := n.socket(tok)
			first.Send("ping")
			first.Expect("pong")
			// Accepted unclaimed, it is claimed once Redis is back, and a newer
			// login displaces it.
			s.redis.Start()
			proctest.Eventually(t, patience, n.gate.Ready, "the link is back")
			proctest.Eventually(t, patience, func() bool { return s.redis.CLI("KEYS", "*:live") != "" }, "claimed")
			n.socket(s.backend.Login("bob"))
			first.Expect("loginOut")
			first.ExpectClose(4501)
		})
	}
}
