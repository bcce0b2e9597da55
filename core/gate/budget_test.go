package gate

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
)

// TestUnknownTokensBudget: a flood of invented tokens costs the backend no more than
// the budget of its address, and known logins nothing.
func TestUnknownTokensBudget(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) {
		c.Limits.UnknownTokens = UnknownTokens{PerMinute: 1, AtOnce: 4}
		c.Login.Fail = "closed"
	})
	n := s.node()
	bob := s.backend.Login("bob")
	if !n.passes(bob) {
		t.Fatal("a login within the budget is refused")
	}
	for i := range 3 {
		n.get("invented-" + strconv.Itoa(i))
	}
	asked := len(s.backend.Requests())
	if res, body := n.get(s.backend.Login("alice")); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("beyond the budget, fail closed: %d %s", res.StatusCode, body)
	}
	if res := proctest.Refused(t, n.srv.URL+"/ws?token="+s.backend.Login("carol")); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a socket beyond the budget: %d", res.StatusCode)
	}
	if more := len(s.backend.Requests()) - asked; more != 0 {
		t.Errorf("the backend was asked %d times beyond the budget", more)
	}
	if !n.passes(bob) {
		t.Error("a known login pays for the flood")
	}
}

func TestUnknownTokensWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := newUnknownTokens(UnknownTokens{PerMinute: 120, AtOnce: 2}) // one each half second
		take := func(ip string) (bool, time.Duration) {
			start := time.Now()
			ok := u.take(context.Background(), ip)
			return ok, time.Since(start)
		}
		for range 2 {
			if ok, d := take("203.0.113.1"); !ok || d > 0 {
				t.Errorf("at once: %v after %v", ok, d)
			}
		}
		if ok, d := take("203.0.113.1"); !ok || d != 500*time.Millisecond {
			t.Errorf("over the burst: %v after %v", ok, d)
		}
		if ok, _ := take("203.0.113.2"); !ok {
			t.Error("an address pays for another")
		}
		take("2001:db8::1")
		take("2001:db8::2")
		if _, d := take("2001:db8::3"); d == 0 {
			t.Error("each address of one IPv6 network has a budget of its own")
		}
		slow := newUnknownTokens(UnknownTokens{PerMinute: 1, AtOnce: 1})
		_ = slow.take(context.Background(), "203.0.113.1")
		start := time.Now()
		if slow.take(context.Background(), "203.0.113.1") || time.Since(start) > budgetWait {
			t.Errorf("beyond the wait: let through, or after %v", time.Since(start))
		}
		if off := newUnknownTokens(UnknownTokens{Off: true}); !off.take(context.Background(), "203.0.113.1") {
			t.Error("no budget is a budget")
		}
	})
}
