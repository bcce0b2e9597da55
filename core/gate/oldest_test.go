package gate

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
)

func oldest(c *Config) { c.Login.Policy = session.PolicyOldest }

// denied is the body of a 409.
type denied struct {
	Error    string `json:"error"`
	Message  string `json:"message"`
	Takeover string `json:"takeover"`
	Holders  []struct {
		IP     string    `json:"ip"`
		Device string    `json:"device"`
		Since  time.Time `json:"since"`
	} `json:"holders"`
}

// denial sends a request with a token, which must be denied.
func (n *node) denial(token string, headers ...string) (*http.Response, denied) {
	n.t.Helper()
	res, body := n.get(token, headers...)
	var d denied
	if err := json.Unmarshal([]byte(body), &d); err != nil || res.StatusCode != http.StatusConflict || d.Error != "login_denied" {
		n.t.Fatalf("not denied: %d %s", res.StatusCode, body)
	}
	return res, d
}

// takeOver sends the one request by which a denied login takes over.
func (n *node) takeOver(token, ticket string, headers ...string) (*http.Response, string) {
	n.t.Helper()
	r := n.request(http.MethodPost, "/.wsgate/takeover", fmt.Sprintf(`{"ticket":%q}`, ticket),
		append([]string{"Authorization", "Bearer " + token, "Content-Type", "application/json"}, headers...)...)
	return n.do(r)
}

const desktop = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130 Safari/537.36"

func TestDeniedLoginIsToldAndTakesOver(t *testing.T) {
	t.Parallel()
	s := newStack(t, oldest)
	a, b := s.node(), s.node()
	first := s.backend.Login("bob")
	before := time.Now()
	if res, body := a.get(first, "User-Agent", desktop); res.StatusCode != http.StatusOK {
		t.Fatalf("the first login: %d %s", res.StatusCode, body)
	}
	page := a.socket(first)

	late := s.backend.Login("bob")
	res, d := b.denial(late, "Origin", b.srv.URL)
	if res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Access-Control-Allow-Origin") != b.srv.URL {
		t.Errorf("headers of the denial: %v", res.Header)
	}
	if len(d.Holders) != 1 || d.Takeover == "" || d.Message == "" {
		t.Fatalf("the denial tells too little: %+v", d)
	}
	if h := d.Holders[0]; h.IP != "127.0.x.x" || h.Device != "pc" || h.Since.Sub(before).Abs() > time.Minute {
		t.Errorf("holder %+v", h)
	}
	before2 := s.backend.Calls("/orders")
	dialog := b.socket(late)
	if reason := dialog.ExpectClose(4505); !strings.HasPrefix(reason, "in use on pc from 127.0.x.x since 20") {
		t.Errorf("close reason %q", reason)
	}
	// Other requests of the denied page, its socket's too, don't spoil its ticket.
	b.denial(late)
	if s.backend.Calls("/orders") != before2 {
		t.Error("a denied request reached the backend")
	}
	page.Send("ping")
	page.Expect("pong")

	if res, body := a.takeOver(late, d.Takeover); res.StatusCode != http.StatusOK || body != `{"outcome":"live"}` || res.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("takeover: %d %s", res.StatusCode, body)
	}
	page.Expect("loginOut")
	page.ExpectClose(4501)
	proctest.Eventually(t, patience, func() bool { return b.passes(late) && !b.passes(first) }, "the seat has changed hands")
	if !a.passes(late) || a.passes(first) {
		t.Error("the node that gave the seat does not know")
	}
	if res, body := a.takeOver(late, d.Takeover); res.StatusCode != http.StatusOK {
		t.Errorf("the same again: %d %s", res.StatusCode, body)
	}
	if res, body := a.takeOver(first, d.Takeover); strings.Contains(body, "live") {
		t.Errorf("the displaced one by the other's ticket: %d %s", res.StatusCode, body)
	}
}

// A denial serves for 2 s, but not longer than its seat is taken, on any node.
func TestFreedSeatIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		free func(n *node, holder, late, ticket string)
		code int
	}{
		"logout": {func(n *node, holder, _, _ string) {
			n.do(n.request(http.MethodPost, "/logout", "", "Authorization", "Bearer "+holder))
		}, 4504},
		"takeover": {func(n *node, _, late, ticket string) { n.takeOver(late, ticket) }, 4501},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, oldest)
			a, b := s.node(), s.node()
			holder, late := s.backend.Login("bob"), s.backend.Login("bob")
			page := b.socket(holder)
			page.Send("ping")
			page.Expect("pong")
			b.denial(late)
			_, d := a.denial(late)
			tc.free(a, holder, late, d.Takeover)
			if !a.passes(late) {
				t.Error("the node that freed the seat denies it")
			}
			if tc.code == 4501 {
				page.Expect("loginOut")
			}
			page.ExpectClose(tc.code) // the other node has heard
			if !b.passes(late) {
				t.Error("the other node denies a seat that it knows to be free")
			}
		})
	}
}

// The backend has issued a token: its answer reaches the page, and the next
// request is denied.
func TestDeniedObservedLogin(t *testing.T) {
	t.Parallel()
	s := newStack(t, oldest, func(c *Config) {
		c.Login.Observe = []session.Observe{{Route: session.Route{Method: "POST", Path: "/login"}, Token: "body.token"}}
	})
	n := s.node()
	var tokens []string
	for range 2 {
		res, body := n.do(n.request(http.MethodPost, "/login", `{"username":"bob"}`, "Content-Type", "application/json"))
		if res.StatusCode != http.StatusOK {
			t.Fatalf("login: %d %s", res.StatusCode, body)
		}
		tokens = append(tokens, tokenOf(t, body))
	}
	if !n.passes(tokens[0]) {
		t.Error("the first login does not pass")
	}
	_, d := n.denial(tokens[1])
	if res, body := n.takeOver(tokens[1], d.Takeover); res.StatusCode != http.StatusOK {
		t.Fatalf("takeover: %d %s", res.StatusCode, body)
	}
	if n.passes(tokens[0]) || !n.passes(tokens[1]) {
		t.Error("the seat has not changed hands")
	}
}

func TestTakeoverRefusals(t *testing.T) {
	t.Parallel()
	s := newStack(t, oldest, everywhere)
	n := s.node()
	n.passes(s.backend.Login("bob"))
	late := s.backend.Login("bob")
	_, d := n.denial(late)
	bearer := []string{"Authorization", "Bearer " + late}
	with := func(h ...string) []string { return append(h, bearer...) }
	for _, c := range []struct {
		name, method, body string
		headers            []string
		status             int
	}{
		{"GET", "GET", "", bearer, 405},
		{"no token", "POST", `{"ticket":"x"}`, nil, 401},
		{"nobody's token", "POST", `{"ticket":"x"}`, []string{"Authorization", "Bearer nobody"}, 401},
		{"two tokens", "POST", `{"ticket":"x"}`, with("X-Access-Token", "other"), 400},
		{"no ticket", "POST", `{}`, bearer, 400},
		{"no JSON", "POST", `ticket`, bearer, 400},
		{"a ticket that is no text", "POST", `{"ticket":1}`, bearer, 400},
		{"a large body", "POST", `{"ticket":"` + strings.Repeat("x", maxForm) + `"}`, bearer, 400},
		{"a wrong ticket", "POST", `{"ticket":"x"}`, bearer, 409},
		{"a foreign page", "POST", fmt.Sprintf(`{"ticket":%q}`, d.Takeover), with("Origin", "http://evil.example"), 403},
		{"a cookie without an origin", "POST", fmt.Sprintf(`{"ticket":%q}`, d.Takeover), []string{"Cookie", "tok=" + late}, 403},
		{"a foreign page's preflight", "OPTIONS", "", []string{"Origin", "http://evil.example", "Access-Control-Request-Method", "POST"}, 405},
		{"a preflight", "OPTIONS", "", []string{"Origin", n.srv.URL, "Access-Control-Request-Method", "POST"}, 204},
		{"a form", "POST", "ticket=" + d.Takeover, with("Content-Type", "application/x-www-form-urlencoded", "Origin", n.srv.URL), 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, body := n.do(n.request(c.method, "/.wsgate/takeover", c.body, c.headers...))
			if res.StatusCode != c.status || res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%d %v %s, want %d", res.StatusCode, res.Header, body, c.status)
			}
			if c.status == http.StatusConflict && !strings.Contains(body, `"takeover":"`) {
				t.Errorf("no other ticket: %s", body)
			}
		})
	}
	if !n.passes(late) {
		t.Error("the form did not take over")
	}
}

func TestTakeoverWithLoginOff(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) { c.Login.Policy = session.PolicyOff })
	n := s.node()
	if res, body := n.takeOver(s.backend.Login("bob"), "x"); res.StatusCode != http.StatusNotFound {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
