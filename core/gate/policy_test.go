package gate

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
)

const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari"

func TestLimitOfSeveralLogins(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) { c.Login.Limit = 2 })
	a, b := s.node(), s.node()
	tokens := []string{s.backend.Login("bob"), s.backend.Login("bob"), s.backend.Login("bob")}
	first := a.socket(tokens[0])
	for i, n := range []*node{b, a} {
		if !n.passes(tokens[i+1]) {
			t.Fatalf("login %d does not pass", i+2)
		}
	}
	first.Expect("loginOut")
	first.ExpectClose(4501)
	for i, want := range []bool{false, true, true} {
		for _, n := range []*node{a, b} {
			proctest.Eventually(t, patience, func() bool { return n.passes(tokens[i]) == want }, "two logins are live, the newest")
		}
	}
}

func TestSeatsPerDevice(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) { c.Login.Per = session.PerDevice })
	n := s.node()
	visit := func(token, agent string, headers ...string) bool {
		_, body := n.get(token, append([]string{"User-Agent", agent}, headers...)...)
		return strings.HasPrefix(body, "hello ")
	}
	pc, mobile, other := s.backend.Login("bob"), s.backend.Login("bob"), s.backend.Login("bob")
	if !visit(pc, desktop) || !visit(mobile, phone) || !visit(pc, desktop) {
		t.Fatal("a login displaced one on another class of device")
	}
	// What the browser says of itself counts before its user agent.
	if !visit(other, desktop, "Sec-CH-UA-Mobile", "?1") || visit(mobile, phone) || !visit(pc, desktop) {
		t.Error("the phone's login is not the one that was displaced")
	}
}

// TestInvariant17ExemptAtTheGate: exempt logins displace nobody, and nobody displaces
// them, by HTTP or socket.
func TestInvariant17ExemptAtTheGate(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{session.PolicyNewest, session.PolicyOldest} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, func(c *Config) {
				c.Login.Policy = policy
				c.Login.Exempt = "claims.user.userName == 'bob' && request.headers['x-service'] == 'yes'"
				c.Guard.Forward = []Forward{{Header: "X-User", Value: "user"}}
			})
			a, b := s.node(), s.node()
			person := s.backend.Login("bob")
			page := a.socket(person)
			var services []*proctest.Client
			for _, n := range []*node{a, b} {
				tok := s.backend.Login("bob")
				services = append(services, n.socket(tok, proctest.WithHeader("X-Service", "yes")))
				if res, body := b.get(tok, "X-Service", "yes"); !strings.HasPrefix(body, "hello bob") {
					t.Errorf("an exempt login does not pass: %d %s", res.StatusCode, body)
				}
				// Its exemption is that of its claim; later requests need not say it again.
				if res, body := a.get(tok); !strings.HasPrefix(body, "hello bob") {
					t.Errorf("an exempt login does not pass any more: %d %s", res.StatusCode, body)
				}
			}
			for _, c := range append(services, page) {
				c.Send("ping")
				c.Expect("pong")
			}
			another := s.backend.Login("bob")
			if policy == session.PolicyOldest {
				b.denial(another)
			} else {
				b.socket(another)
				page.Expect("loginOut")
				page.ExpectClose(4501)
			}
			for _, c := range services {
				c.Send("ping")
				c.Expect("pong")
			}
			for _, r := range s.backend.Requests() {
				if r.Path == "/orders" && r.Header.Get("X-User") == "" {
					t.Error("an exempt login is not named to the backend")
				}
			}
		})
	}
}

func TestGraceIsForReading(t *testing.T) {
	t.Parallel()
	const grace = 1500 * time.Millisecond
	s := newStack(t, func(c *Config) { c.Login.Grace = conf.Duration(grace) })
	a, b := s.node(), s.node()
	old := s.backend.Login("bob")
	page := a.socket(old)
	began := time.Now()
	fresh := s.backend.Login("bob")
	if !b.passes(fresh) {
		t.Fatal("the newer login does not pass")
	}
	page.Expect("loginOut") // at once
	page.ExpectClose(4501)
	for _, n := range []*node{a, b} {
		for method, passes := range map[string]bool{"GET": true, "HEAD": true, "OPTIONS": true, "POST": false, "PUT": false, "DELETE": false, "PATCH": false} {
			before := s.backend.Calls("/draft")
			n.do(n.request(method, "/draft", "", "Authorization", "Bearer "+old))
			if got := s.backend.Calls("/draft") > before; got != passes && time.Since(began) < grace {
				t.Errorf("%s within the grace: reached the backend %v, want %v", method, got, passes)
			}
		}
		proctest.Eventually(t, patience, func() bool { return !n.passes(old) }, "the grace ends")
	}
	if d := time.Since(began); d < grace {
		t.Errorf("the grace ended after %v", d)
	}
	if !a.passes(fresh) {
		t.Error("the newer login was harmed")
	}
	again := a.socket(old) // a returning socket has no grace
	again.Expect("loginOut")
	again.ExpectClose(4501)
}

// A refresh is no reading, whatever its method.
func TestGraceDoesNotRefresh(t *testing.T) {
	t.Parallel()
	s := newStack(t, refreshing(""), func(c *Config) {
		c.Login.Grace = conf.Duration(time.Minute)
		c.Login.Refresh[0].Method = "*"
	})
	n := s.node()
	old, _ := displacedAt(n, n, "bob")
	before := s.backend.Calls("/refresh")
	_, body := n.do(n.request(http.MethodGet, "/refresh", "", "Authorization", "Bearer "+old))
	if s.backend.Calls("/refresh") != before {
		t.Errorf("the backend was asked to refresh a displaced login: %s", body)
	}
}
