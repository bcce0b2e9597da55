package gate

import (
	"fmt"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
)

// refreshes sends a refresh command and expects its result.
func refreshes(c *proctest.Client, token string) {
	c.Send(fmt.Sprintf(`{"id":2,"refresh":{"token":%q}}`, token))
	c.Expect(`{"id":2,"refresh":{}}`)
}

// A JWT counts in its canonical spelling alone, also where a lenient backend takes others.
func TestCentrifugeOtherSpellings(t *testing.T) {
	t.Parallel()
	s := newStack(t, speaksCentrifuge, refreshing(""))
	n := s.node()
	tok := s.backend.Login("bob")
	c := n.silent(t)
	c.Send(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, tok+"="))
	c.Expect(`{"id":1,"error":{"code":107,"message":"bad request"}}`)
	c = n.silent(t)
	connects(t, c, tok)
	c.Send(fmt.Sprintf(`{"id":2,"refresh":{"token":%q}}`, s.backend.Refresh(tok)+"="))
	c.Expect(`{"id":2,"error":{"code":107,"message":"bad request"}}`)
}

// A login that was refreshed on its socket is asked about by its fresh token: the old one
// may have ended.
func TestSlidingAsksByTheFreshToken(t *testing.T) {
	t.Parallel()
	s, _ := slidingStack(t, 300*time.Millisecond, time.Millisecond, speaksCentrifuge, refreshing(""))
	n := s.node()
	old := s.backend.Login("bob")
	c := n.silent(t)
	connects(t, c, old)
	fresh := s.backend.Refresh(old)
	refreshes(c, fresh)
	before := s.backend.Calls("/getInfo")
	proctest.Eventually(t, patience, func() bool { return s.backend.Calls("/getInfo") > before }, "the idle login is asked about")
	calls := 0
	for _, r := range s.backend.Requests() {
		if r.Path != "/getInfo" {
			continue
		}
		if calls++; calls > before && r.Header.Get("Authorization") != "Bearer "+fresh {
			t.Error("asked by another token than the fresh one")
		}
	}
	c.Send(`{"id":4,"presence":{"channel":"x"}}`)
	c.Expect(`{"id":4,"error":{"code":108,"message":"not available"}}`)
}

// Without logins a fresh token is only another token of the same account.
func TestCentrifugeRefreshWithLoginOff(t *testing.T) {
	t.Parallel()
	s := newStack(t, speaksCentrifuge, func(c *Config) {
		c.Login.Policy = session.PolicyOff
		c.Introspect.SessionID = "token"
	})
	n := s.node()
	n.gate.shared.Load().refreshable = true // as with a preset that says how
	old := s.backend.Login("bob")
	c := n.silent(t)
	connects(t, c, old)
	for range 2 {
		refreshes(c, s.backend.Refresh(old))
	}
}
