package gate

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
