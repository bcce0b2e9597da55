package gate

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// deviceCookie is the cookie that a response sets, as a request header.
func deviceCookie(res *http.Response) string {
	for _, c := range res.Cookies() {
		if strings.HasSuffix(c.Name, "wsgate-did") {
			return c.Name + "=" + c.Value
		}
	}
	return ""
}

func TestNewerLoginInTheSameBrowserIsSilent(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"", "a secret of more than sixteen bytes"} {
		t.Run("secret="+secret, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, func(c *Config) { c.Secret = secret })
			n := s.node()
			old := s.backend.Login("bob")
			res, _ := n.get(old)
			did := deviceCookie(res)
			if did == "" {
				t.Fatal("no device cookie was set")
			}
			res, _ = n.get(old, "Cookie", did)
			if deviceCookie(res) != "" {
				t.Error("a browser that has a device cookie got another")
			}
			cookie := proctest.WithHeader("Cookie", did)
			page := n.socket(old, cookie)
			fresh := s.backend.Login("bob")
			if _, body := n.get(fresh, "Cookie", did); !strings.HasPrefix(body, "hello") {
				t.Fatalf("the new login is refused: %s", body)
			}
			page.ExpectClose(4002) // and no text before it
			if _, body := n.get(old, "Cookie", did); !strings.HasPrefix(body, "hello") {
				t.Error("a request that the old page had begun is refused")
			}
			n.socket(old, cookie).ExpectClose(4002)
			told := n.socket(old, cookie)
			told.Expect("loginOut")
			told.ExpectClose(4501)
			live := n.socket(fresh, cookie)
			live.Send("ping")
			live.Expect("pong")
		})
	}
}

func TestForeignBrowserIsTold(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	old := s.backend.Login("bob")
	res, _ := n.get(old)
	page := n.socket(old, proctest.WithHeader("Cookie", deviceCookie(res)))
	// Without a secret anybody can sign a cookie: the user agent counts as well.
	n.get(s.backend.Login("bob"), "Cookie", deviceCookie(res), "User-Agent", "another")
	page.Expect("loginOut")
	page.ExpectClose(4501)
}

func TestObservedLoginDisplacesBeforeItsAnswer(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) {
		c.Login.Observe = []session.Observe{{Route: session.Route{Method: "POST", Path: "/login"}, Token: "body.token"}}
	})
	n := s.node()
	old := s.backend.Login("bob")
	page := n.socket(old)
	res, body := n.do(n.request(http.MethodPost, "/login", `{"username":"bob"}`, "Accept-Encoding", "gzip"))
	if n.passes(old) {
		t.Error("the old login passes after the new one's answer")
	}
	page.Expect("loginOut")
	page.ExpectClose(4501)
	if deviceCookie(res) == "" {
		t.Error("an observed login sets no device cookie")
	}
	if !n.passes(tokenOf(t, body)) {
		t.Error("the observed login does not pass")
	}
	_, body = n.do(n.request(http.MethodPost, "/login", `{"username":""}`))
	if !strings.Contains(body, `"code":500`) {
		t.Errorf("a failed login's answer was changed: %s", body)
	}
}

// A login that was observed, and could not be claimed then, is one that was observed
// with its first request, whatever was reconfigured in between.
func TestObservedLoginIsOwed(t *testing.T) {
	t.Parallel()
	for name, reload := range map[string]bool{"as it was": false, "reconfigured": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, func(c *Config) {
				c.Login.Observe = []session.Observe{{Route: session.Route{Method: "POST", Path: "/login"}, Token: "body.token"}}
				c.Introspect.StaleIfError = new(conf.Duration)
			})
			n := s.node()
			s.backend.SetFault(proctest.Error500) // of introspection
			_, body := n.do(n.request(http.MethodPost, "/login", `{"username":"bob"}`))
			tok := tokenOf(t, body)
			if _, ok := n.last(EventLogin); ok {
				t.Fatal("claimed, whoever it is")
			}
			s.backend.SetFault(proctest.NoFault)
			if reload {
				cfg := s.cfg
				cfg.Login.Limit = 2
				if err := n.gate.Reconfigure(cfg, Options{}); err != nil {
					t.Fatal(err)
				}
			}
			if !n.passes(tok) {
				t.Error("the login does not pass")
			}
			if _, ok := n.last(EventLogin); !ok {
				t.Error("the login is not claimed as one that was observed")
			}
		})
	}
}

// tokenOf takes the token out of a login's answer.
func tokenOf(t *testing.T, body string) string {
	t.Helper()
	v, err := expr.DecodeJSON([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := v.(map[string]any)
	tok, _ := m["token"].(string)
	return tok
}

func TestLogout(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	tok := s.backend.Login("bob")
	page := n.socket(tok)
	n.do(n.request(http.MethodPost, "/logout", "", "Authorization", "Bearer "+tok))
	page.ExpectClose(4504)
	before := s.backend.Calls("/orders")
	n.get(tok)
	if s.backend.Calls("/orders") == before {
		t.Error("a logged-out login is the backend's to refuse")
	}
	n.socket(tok).ExpectClose(4504)
	// A late logout of the old login never touches a newer one.
	old, fresh := displacedAt(n, n, "bob")
	live := n.socket(fresh)
	n.do(n.request(http.MethodPost, "/logout", "", "Authorization", "Bearer "+old))
	live.Send("ping")
	live.Expect("pong")
	if !n.passes(fresh) {
		t.Error("the old login's logout ended the new one")
	}
}
