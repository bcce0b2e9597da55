package gate

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/proctest"
)

// TestPresetJeecg: the page of JeecgBoot offers its token as the only subprotocol, and
// wants its ping back.
func TestPresetJeecg(t *testing.T) {
	t.Parallel()
	// {"alg":"HS256"}.{"username":"admin","exp":…}
	const (
		old   = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VybmFtZSI6ImFkbWluIiwiZXhwIjo0MTAyNDQ0ODAxfQ.AAAA"
		fresh = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VybmFtZSI6ImFkbWluIiwiZXhwIjo0MTAyNDQ0ODAyfQ.BBBB"
	)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("X-Access-Token") {
		case old, fresh:
			_, _ = w.Write([]byte(`{"success":true,"code":200,"result":{"userInfo":{"id":"e9ca","username":"admin"}}}`))
		default:
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"success":false,"message":"Token失效，请重新登录!","code":401}`))
		}
	}))
	t.Cleanup(backend.Close)
	s := newStack(t, func(c *Config) {
		c.Introspect = introspect.Config{URI: backend.URL + "/sys/user/getUserInfo", Preset: "jeecg"}
	})
	s.upstream = backend.URL
	n := s.node()
	open := func(tok string) *proctest.Client {
		return proctest.Dial(t, n.srv.URL+"/ws", proctest.WithSubprotocols(tok))
	}
	page := open(old)
	if got := page.Response.Header.Get("Sec-WebSocket-Protocol"); got != old {
		t.Errorf("subprotocol %q", got)
	}
	page.Send("msg:e9ca")
	page.Send("ping")
	page.Expect("ping")
	open(fresh)
	page.Expect("loginOut")
	page.ExpectClose(4501)
	r := n.request(http.MethodGet, "/sys/user/list", "", "X-Access-Token", old)
	if res, body := n.do(r); res.StatusCode != http.StatusUnauthorized || body != `{"success":false,"message":"Token失效，请重新登录!","code":401,"result":null}` {
		t.Errorf("refused with %d %s", res.StatusCode, body)
	}
}
