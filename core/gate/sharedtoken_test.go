package gate

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
)

// drfBackend hands every login of bob the same token, as Django REST framework does.
func drfBackend(t *testing.T) *httptest.Server {
	t.Helper()
	const token = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/auth/token/login/":
			_, _ = fmt.Fprintf(w, `{"auth_token":%q}`, token)
		case r.URL.Path == "/auth/token/logout/":
			w.WriteHeader(http.StatusNoContent)
		case r.Header.Get("Authorization") != "Token "+token:
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"detail":"Invalid token."}`))
		case r.URL.Path == "/auth/users/me/":
			_, _ = w.Write([]byte(`{"id":7,"username":"bob"}`))
		default:
			_, _ = w.Write([]byte("hello bob"))
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}

func drfStack(t *testing.T, edits ...func(*Config)) *node {
	t.Helper()
	backend := drfBackend(t)
	s := newStack(t, append([]func(*Config){func(c *Config) {
		c.Introspect = introspect.Config{URI: backend.URL + "/auth/users/me/", Preset: "drf"}
		c.Login.Observe = []session.Observe{{Route: session.Route{Method: "POST", Path: "/auth/token/login/"}, Token: "body.auth_token"}}
	}}, edits...)...)
	s.upstream = backend.URL
	return s.node()
}

// sharedBrowser is one browser on a site, with the one cookie that it may have.
type sharedBrowser struct {
	n             *node
	cookie, token string
}

// logIn logs in through the gate and takes the cookie, if it has none.
func (b *sharedBrowser) logIn() *sharedBrowser {
	res, body := b.n.do(b.n.request(http.MethodPost, "/auth/token/login/", "", b.headers()...))
	b.token = strings.Split(body, `"`)[3]
	b.take(res)
	return b
}

func (b *sharedBrowser) take(res *http.Response) {
	if c := deviceCookie(res); c != "" {
		b.cookie = c
	}
}

func (b *sharedBrowser) headers() []string {
	h := []string{"X-Test", "1"}
	if b.cookie != "" {
		h = append(h, "Cookie", b.cookie)
	}
	if b.token != "" {
		h = append(h, "Authorization", "Token "+b.token)
	}
	return h
}

func (b *sharedBrowser) get() (*http.Response, string) {
	return b.n.do(b.n.request(http.MethodGet, "/orders", "", b.headers()...))
}

func (b *sharedBrowser) passes() bool {
	_, body := b.get()
	return body == "hello bob"
}

func (b *sharedBrowser) socket() *proctest.Client {
	var opts []proctest.DialOption
	if b.cookie != "" {
		opts = append(opts, proctest.WithHeader("Cookie", b.cookie))
	}
	return proctest.Dial(b.n.t, b.n.srv.URL+"/ws?token="+url.QueryEscape(b.token), opts...)
}

// bare is the same token without the cookie.
func (b *sharedBrowser) bare() *sharedBrowser { return &sharedBrowser{n: b.n, token: b.token} }

// TestSharedTokens: two browsers get the same token, and still only the newer login
// lives; who throws the cookie away stays out.
func TestSharedTokens(t *testing.T) {
	t.Parallel()
	n := drfStack(t)
	a := (&sharedBrowser{n: n}).logIn()
	if a.cookie == "" || !a.passes() {
		t.Fatal("the first login has no cookie, or does not pass")
	}
	page := a.socket()
	page.Send("msg:7")
	page.Send("ping")
	page.Expect("pong")
	if again := (&sharedBrowser{n: n, cookie: a.cookie}).logIn(); !again.passes() || !a.passes() {
		t.Error("a second login in one browser harms the first")
	}

	b := (&sharedBrowser{n: n}).logIn()
	if a.token != b.token || a.cookie == b.cookie {
		t.Fatal("the test's two browsers are not what it is about")
	}
	page.Expect("loginOut")
	page.ExpectClose(4501)
	live := b.socket()
	live.Send("ping")
	live.Expect("pong")
	res, body := a.get()
	if res.StatusCode != http.StatusUnauthorized || res.Header.Get("WWW-Authenticate") != "Token" || body != `{"detail":"Invalid token."}` {
		t.Errorf("the displaced browser got %d %v %s", res.StatusCode, res.Header, body)
	}
	if !b.passes() {
		t.Error("the newer login is refused")
	}
	for range 2 { // the second time with the cookie that the first answer set, if any
		bare := a.bare()
		res, _ := bare.get()
		if res.StatusCode != http.StatusUnauthorized {
			t.Error("a displaced client without its cookie is let in")
		}
		told := bare.socket()
		told.Expect("loginOut")
		told.ExpectClose(4501)
		bare.take(res)
		bare.take(told.Response)
		if bare.passes() {
			t.Error("a displaced client with a fresh cookie is let in")
		}
	}
	live.Send("ping")
	live.Expect("pong")

	a.logIn()
	live.Expect("loginOut")
	live.ExpectClose(4501)
	if !a.passes() || b.passes() {
		t.Error("the first browser can't come back by a login")
	}
	if a.n.do(a.n.request(http.MethodPost, "/auth/token/logout/", "", a.headers()...)); b.passes() {
		t.Error("a logout elsewhere brings a displaced login back")
	}
}

// TestSharedTokensFromBefore: pages that had their token before the gate stood there
// go on, whatever cookies their first answers bring, until somebody logs in.
func TestSharedTokensFromBefore(t *testing.T) {
	t.Parallel()
	n := drfStack(t)
	page := &sharedBrowser{n: n, token: (&sharedBrowser{n: n}).backendToken()}
	first, _ := page.get() // two requests of one page, on their way at once
	second, _ := page.get()
	sock := page.socket()
	for _, res := range []*http.Response{first, second, sock.Response} {
		if res.StatusCode >= 400 {
			t.Fatalf("status %d", res.StatusCode)
		}
		with := page.bare()
		if with.take(res); with.cookie == "" || !with.passes() {
			t.Error("refused with the cookie of its own answer")
		}
	}
	sock.Send("ping")
	sock.Expect("pong")
	page.take(first)

	fresh := (&sharedBrowser{n: n}).logIn()
	sock.Expect("loginOut")
	sock.ExpectClose(4501)
	if page.passes() || page.bare().passes() || !fresh.passes() {
		t.Error("the login that was seen to begin does not win")
	}
}

// backendToken is the token that the backend gives, round the gate.
func (b *sharedBrowser) backendToken() string {
	res, err := http.Post(b.n.upstream+"/auth/token/login/", "", nil)
	if err != nil {
		b.n.t.Fatal(err)
	}
	defer res.Body.Close()
	var body [100]byte
	k, _ := res.Body.Read(body[:])
	return strings.Split(string(body[:k]), `"`)[3]
}

// TestSharedTokensOldest: the newcomer is denied, and takes over with its ticket.
func TestSharedTokensOldest(t *testing.T) {
	t.Parallel()
	n := drfStack(t, func(c *Config) { c.Login.Policy = session.PolicyOldest })
	a := (&sharedBrowser{n: n}).logIn()
	if !a.passes() {
		t.Fatal("the first login is refused")
	}
	b := (&sharedBrowser{n: n}).logIn()
	res, body := b.get()
	if res.StatusCode != http.StatusConflict {
		t.Fatalf("status %d %s", res.StatusCode, body)
	}
	_, ticket, _ := strings.Cut(body, `"takeover":"`)
	ticket, _, _ = strings.Cut(ticket, `"`)
	r := n.request(http.MethodPost, "/.wsgate/takeover", fmt.Sprintf(`{"ticket":%q}`, ticket), b.headers()...)
	if res, body := n.do(r); res.StatusCode != http.StatusOK {
		t.Fatalf("takeover: %d %s", res.StatusCode, body)
	}
	if a.passes() || !b.passes() {
		t.Error("the takeover did not change who is live")
	}
}

func TestSharedTokensNeedObserve(t *testing.T) {
	t.Parallel()
	drf := Config{Introspect: introspect.Config{URI: "http://127.0.0.1/me", Preset: "drf"}}
	if err := drf.Validate(); err == nil || !strings.Contains(err.Error(), "observe") {
		t.Errorf("drf without observe: %v", err)
	}
	off, own, sa := drf, drf, drf
	off.Login.Policy = session.PolicyOff
	own.Introspect.SharedTokens = new(false)
	sa.Introspect.Preset = "sa-token"
	for name, c := range map[string]Config{"login off": off, "tokens of their own": own, "sa-token": sa} {
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	sa.Introspect.SharedTokens = new(true)
	if err := sa.Validate(); err == nil {
		t.Error("sa-token that shares tokens needs no observe")
	}
}
