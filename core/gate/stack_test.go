package gate

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/redisconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stack is a gate with a real Redis before an ordinary backend.
type stack struct {
	t       testing.TB
	redis   *proctest.RedisServer
	backend *proctest.BackendServer
	cfg     Config
	// upstream is where requests go: by default the backend.
	upstream string
}

// node is one server of a stack.
type node struct {
	*stack
	gate *Gate
	site *Site
	srv  *httptest.Server
}

func newStack(t testing.TB, edits ...func(*Config)) *stack {
	t.Helper()
	s := &stack{t: t, redis: proctest.Redis(t), backend: proctest.Backend(t)}
	s.upstream = s.backend.URL()
	s.cfg = Config{
		Redis:      redisconn.Config{URLs: []string{s.redis.URL()}},
		Introspect: introspect.Config{URI: s.backend.URL() + "/getInfo", Preset: "ruoyi"},
		Sockets: []Socket{{
			Path:     "/ws",
			Account:  &channel.Account{Pattern: "msg:{account}"},
			Channels: []channel.Config{{Pattern: "data_imei:{id}"}},
		}},
	}
	for _, edit := range edits {
		edit(&s.cfg)
	}
	if err := s.cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return s
}

// node starts one more server; sockets of a test's end are not drained slowly.
func (s *stack) node() *node {
	s.t.Helper()
	o := Options{Log: slog.New(slog.NewTextHandler(testWriter{s.t}, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	g, err := Open(s.cfg, o)
	if err != nil {
		s.t.Fatal(err)
	}
	site, err := NewSite(g, s.cfg, o)
	if err != nil {
		s.t.Fatal(err)
	}
	to, err := url.Parse(s.upstream)
	if err != nil {
		s.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	transport := &http.Transport{}
	proxy.Transport = transport
	n := &node{stack: s, gate: g, site: site}
	n.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = site.ServeHTTP(w, r, func(w http.ResponseWriter, r *http.Request) error {
			proxy.ServeHTTP(w, r)
			return nil
		})
	}))
	s.t.Cleanup(func() {
		g.drain.Store(0)
		_ = g.Close()
		n.srv.Close()
		transport.CloseIdleConnections()
	})
	proctest.Eventually(s.t, patience, g.Ready, "redis link is up")
	return n
}

// testWriter sends a log to the test's.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// do sends a request and returns the status and the body.
func (n *node) do(r *http.Request) (*http.Response, string) {
	n.t.Helper()
	res, err := (&http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}).Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return res, string(body)
}

// request makes a request; headers are name and value in turn.
func (n *node) request(method, path, body string, headers ...string) *http.Request {
	n.t.Helper()
	r, err := http.NewRequestWithContext(n.t.Context(), method, n.srv.URL+path, strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// get sends GET /orders with a token and headers, name and value in turn.
func (n *node) get(token string, headers ...string) (*http.Response, string) {
	n.t.Helper()
	return n.do(n.request(http.MethodGet, "/orders", "", append([]string{"Authorization", "Bearer " + token}, headers...)...))
}

// passes says whether a request with the token reaches the backend as a user's.
func (n *node) passes(token string) bool {
	n.t.Helper()
	_, body := n.get(token)
	return strings.HasPrefix(body, "hello ")
}

func (n *node) socket(token string, opts ...proctest.DialOption) *proctest.Client {
	n.t.Helper()
	return proctest.Dial(n.t, n.srv.URL+"/ws?token="+url.QueryEscape(token), opts...)
}

func (s *stack) publish(channel, payload string) string {
	s.t.Helper()
	return s.redis.CLI("PUBLISH", channel, payload)
}

// displacedAt makes two logins of an account on the nodes, and returns the
// displaced one's token and the live one's.
func displacedAt(first, second *node, account string) (old, fresh string) {
	first.t.Helper()
	old = first.backend.Login(account)
	if !first.passes(old) {
		first.t.Fatal("the first login does not pass")
	}
	fresh = first.backend.Login(account)
	if !second.passes(fresh) {
		first.t.Fatal("the second login does not pass")
	}
	return old, fresh
}
