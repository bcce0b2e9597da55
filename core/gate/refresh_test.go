package gate

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
)

func refreshing(old string) func(*Config) {
	return func(c *Config) {
		// Without a session id only the observed refresh links the two tokens.
		c.Introspect.SessionID = "token"
		c.Login.Refresh = []session.Refresh{{
			Route: session.Route{Method: "POST", Path: "/refresh"}, New: "body.token", Old: old,
		}}
	}
}

// refresh sends a refresh request whose answer, should the backend be asked, is
// a fresh token.
func (n *node) refresh(old, body string) (answer string, asked bool) {
	n.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/refresh", strings.NewReader(body))
	if body == "" {
		r.Header.Set("Authorization", "Bearer "+old)
	}
	rec := httptest.NewRecorder()
	_ = n.site.ServeHTTP(rec, r, func(w http.ResponseWriter, r *http.Request) error {
		asked = true
		_, err := fmt.Fprintf(w, `{"token":%q}`, n.backend.Refresh(old))
		return err
	})
	return rec.Body.String(), asked
}

func TestRefreshDisplacesNobody(t *testing.T) {
	t.Parallel()
	s := newStack(t, refreshing(""))
	n := s.node()
	old := s.backend.Login("bob")
	page := n.socket(old)
	answer, _ := n.refresh(old, "")
	fresh := tokenOf(t, answer)
	if fresh == "" || fresh == old {
		t.Fatalf("no fresh token: %s", answer)
	}
	if !n.passes(fresh) {
		t.Error("the refreshed token does not pass")
	}
	both := n.socket(fresh)
	for _, c := range []*proctest.Client{page, both} {
		c.Send("ping")
		c.Expect("pong")
	}
}

func TestDisplacedLoginCantRefresh(t *testing.T) {
	t.Parallel()
	for name, old := range map[string]string{"by header": "", "by body": "body.old"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, refreshing(old))
			n := s.node()
			dead, live := displacedAt(n, n, "bob")
			body := ""
			if old != "" {
				body = fmt.Sprintf(`{"old":%q}`, dead)
			}
			if answer, asked := n.refresh(dead, body); asked {
				t.Errorf("the backend was asked: %s", answer)
			}
			if !n.passes(live) {
				t.Error("the live login was harmed")
			}
		})
	}
}

// A login that a newer one displaces while the backend refreshes it gets no token by
// that, whether or not it may still read for a while.
func TestDisplacedWhileRefreshing(t *testing.T) {
	t.Parallel()
	for name, same := range map[string]bool{"elsewhere": false, "in the same browser": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, refreshing(""), func(c *Config) {
				if !same {
					c.Login.Grace = conf.Duration(time.Minute)
				}
				c.Login.Refresh[0].Method = "*"
			})
			n := s.node()
			old, live := s.backend.Login("bob"), s.backend.Login("bob")
			res, _ := n.get(s.backend.Login("alice"))
			browser := deviceCookie(res)
			n.get(old, "Cookie", browser)
			var others []string
			if same {
				others = []string{"Cookie", browser}
			}
			var refreshed string
			r := httptest.NewRequest(http.MethodGet, "/refresh", nil)
			r.Header.Set("Authorization", "Bearer "+old)
			r.Header.Set("Cookie", browser)
			r.Header.Set("User-Agent", "Go-http-client/1.1") // the other requests'
			r.RemoteAddr = "127.0.0.1:1"
			rec := httptest.NewRecorder()
			_ = n.site.ServeHTTP(rec, r, func(w http.ResponseWriter, _ *http.Request) error {
				n.get(live, others...)
				refreshed = n.backend.Refresh(old)
				_, err := fmt.Fprintf(w, `{"token":%q}`, refreshed)
				return err
			})
			if strings.Contains(rec.Body.String(), refreshed) {
				t.Errorf("a dead login got a fresh token: %s", rec.Body)
			}
			if !n.passes(live) {
				t.Error("the live login was harmed")
			}
			r = n.request(http.MethodPost, "/orders", "", "Authorization", "Bearer "+refreshed)
			if _, body := n.do(r); !same && strings.HasPrefix(body, "hello ") {
				t.Error("the fresh token of a dead login writes")
			}
			if answer, asked := n.refresh(refreshed, ""); asked {
				t.Errorf("a dead login was refreshed: %s", answer)
			}
		})
	}
}
