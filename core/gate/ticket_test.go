package gate

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

// byTicket lets sockets come with a ticket.
func byTicket(c *Config) {
	everywhere(c)
	c.Tokens = append(c.Tokens, token.Source{Kind: token.Ticket})
}

// askTicket asks for a ticket.
func (n *node) askTicket(headers ...string) (*http.Response, string) {
	n.t.Helper()
	return n.do(n.request(http.MethodPost, "/.wsgate/ticket", "", headers...))
}

// ticket gets one for a token.
func (n *node) ticket(tok string) string {
	n.t.Helper()
	res, body := n.askTicket("Authorization", "Bearer "+tok)
	var got struct {
		Ticket  string `json:"ticket"`
		Expires int    `json:"expires_in"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || res.StatusCode != http.StatusOK || got.Ticket == "" || got.Expires != 30 {
		n.t.Fatalf("no ticket: %d %s", res.StatusCode, body)
	}
	if res.Header.Get("Cache-Control") != "no-store" {
		n.t.Errorf("a ticket that may be kept: %v", res.Header)
	}
	return got.Ticket
}

func TestTicketOpensOneSocket(t *testing.T) {
	t.Parallel()
	s := newStack(t, byTicket)
	a, b := s.node(), s.node()
	bob := s.backend.Login("bob")
	ticket := a.ticket(bob)
	c := proctest.Dial(t, b.srv.URL+"/ws?ticket="+ticket)
	c.Send("ping")
	c.Expect("pong")
	for _, n := range []*node{a, b} {
		if res := proctest.Refused(t, n.srv.URL+"/ws?ticket="+ticket); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("once more: %d, want 401", res.StatusCode)
		}
	}
	// Beside the token that it stands for, it is as good.
	c = proctest.Dial(t, a.srv.URL+"/ws?ticket="+a.ticket(bob)+"&token="+bob)
	c.Send("ping")
	c.Expect("pong")
	// The login is one like any other.
	fresh := proctest.Dial(t, b.srv.URL+"/ws?ticket="+b.ticket(s.backend.Login("bob")))
	c.Expect("loginOut")
	c.ExpectClose(4501)
	fresh.Send("ping")
	fresh.Expect("pong")
}

func TestTicketRefusals(t *testing.T) {
	t.Parallel()
	s := newStack(t, byTicket)
	n := s.node()
	old, fresh := displacedAt(n, n, "bob")
	alice := s.backend.Login("alice")
	bearer := []string{"Authorization", "Bearer " + fresh}
	for _, c := range []struct {
		name    string
		headers []string
		status  int
		body    string
	}{
		{"no token", nil, 401, "missing_token"},
		{"nobody's token", []string{"Authorization", "Bearer nobody"}, 401, "inactive_token"},
		{"two tokens", append([]string{"X-Access-Token", alice}, bearer...), 400, "bad_token"},
		{"respelt", []string{"Authorization", "Bearer " + respell(fresh)}, 400, "bad_token"},
		{"a foreign page", append([]string{"Origin", "http://evil.example"}, bearer...), 403, "forbidden_origin"},
		{"a cookie without an origin", []string{"Cookie", "tok=" + fresh}, 403, "forbidden_origin"},
		{"displaced", []string{"Authorization", "Bearer " + old}, 200, `"code":401`}, // the preset's own shape
		{"a cookie", []string{"Cookie", "tok=" + fresh, "Origin", n.srv.URL}, 200, `"ticket"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, body := n.askTicket(c.headers...)
			if res.StatusCode != c.status || !strings.Contains(body, c.body) || res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%d %s, want %d with %s", res.StatusCode, body, c.status, c.body)
			}
			if strings.Contains(body, "ticket\":") != (c.body == `"ticket"`) {
				t.Errorf("a ticket: %s", body)
			}
		})
	}
	if res, _ := n.do(n.request(http.MethodGet, "/.wsgate/ticket", "", bearer...)); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", res.StatusCode)
	}
	for name, target := range map[string]struct {
		query  string
		status int
	}{
		"made up":               {"?ticket=abc", 401},
		"unsigned":              {"?ticket=" + strings.Repeat("A", 43), 401},
		"malformed":             {"?ticket=a%20b", 400},
		"two":                   {"?ticket=abc&ticket=abd", 400},
		"none":                  {"?ticket=undefined", 401},
		"beside another token":  {"?ticket=" + n.ticket(fresh) + "&token=" + alice, 400},
		"made up beside a good": {"?ticket=abc&token=" + alice, 401},
	} {
		t.Run(name, func(t *testing.T) {
			if res := proctest.Refused(t, n.srv.URL+"/ws"+target.query); res.StatusCode != target.status {
				t.Errorf("status %d, want %d", res.StatusCode, target.status)
			}
		})
	}
	// A login that was displaced after it got a ticket is told.
	ticket := n.ticket(alice)
	n.passes(s.backend.Login("alice"))
	c := proctest.Dial(t, n.srv.URL+"/ws?ticket="+ticket)
	c.Expect("loginOut")
	c.ExpectClose(4501)
}

func TestTicketOfADeniedLogin(t *testing.T) {
	t.Parallel()
	s := newStack(t, byTicket, func(c *Config) { c.Login.Policy = session.PolicyOldest })
	n := s.node()
	n.passes(s.backend.Login("bob"))
	if res, body := n.askTicket("Authorization", "Bearer "+s.backend.Login("bob")); res.StatusCode != http.StatusConflict || !strings.Contains(body, `"takeover"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestTicketsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t, byTicket)
	n := s.node()
	bob := s.backend.Login("bob")
	for range ticketsPerMinute {
		n.ticket(bob)
	}
	res, _ := n.askTicket("Authorization", "Bearer "+bob)
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %d %v", res.StatusCode, res.Header)
	}
	n.ticket(s.backend.Login("alice"))
}

func TestTicketsWithoutRedis(t *testing.T) {
	t.Parallel()
	s := newStack(t, byTicket)
	n := s.node()
	bob := s.backend.Login("bob")
	ticket := n.ticket(bob)
	s.redis.Kill()
	proctest.Eventually(t, patience, func() bool { return !n.gate.Ready() }, "the link is down")
	if res, body := n.askTicket("Authorization", "Bearer "+bob); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("asking: %d %s", res.StatusCode, body)
	}
	if res := proctest.Refused(t, n.srv.URL+"/ws?ticket="+ticket); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("using: %d", res.StatusCode)
	}
}

// Where no ticket is configured there is nothing to ask for, and `ticket` is the
// backend's own parameter.
func TestNoTickets(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	bob := s.backend.Login("bob")
	if res, _ := n.do(n.request(http.MethodGet, "/.wsgate/ticket", "")); res.StatusCode != http.StatusNotFound {
		t.Errorf("%d", res.StatusCode)
	}
	c := proctest.Dial(t, n.srv.URL+"/ws?ticket=abc&token="+bob)
	c.Send("ping")
	c.Expect("pong")
}

func TestTicketAlone(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	s.cfg.Tokens = []token.Source{{Kind: token.Ticket}, {Kind: token.Subprotocol}}
	if err := s.cfg.Validate(); err == nil || !strings.Contains(err.Error(), "add such a source") {
		t.Errorf("%v", err)
	}
}
