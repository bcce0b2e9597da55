package gate

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
)

// admitted waits until the gate has the sockets that the test opened.
func (n *node) admitted(sockets int) {
	n.t.Helper()
	proctest.Eventually(n.t, patience, func() bool { return n.gate.Status().Sockets == sockets }, "sockets are open")
}

func (n *node) logins(q LoginQuery) LoginPage {
	n.t.Helper()
	p, err := n.gate.Logins(n.t.Context(), q)
	if err != nil {
		n.t.Fatal(err)
	}
	return p
}

func TestLoginsAreListedWithTheSocketsOfAllNodes(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) { c.Login.Limit = 3 })
	a, b := s.node(), s.node()
	bob, quiet := s.backend.Login("bob"), s.backend.Login("bob")
	a.socket(bob, proctest.WithHeader("User-Agent", "okhttp/4"))
	a.socket(bob)
	b.socket(bob)
	b.socket(s.backend.Login("alice"))
	if !b.passes(quiet) {
		t.Fatal("the second login does not pass")
	}
	a.admitted(2)
	b.admitted(2)
	for _, n := range []*node{a, b} {
		all := n.logins(LoginQuery{})
		if len(all.Logins) != 3 || !all.Complete || all.Cursor != "" {
			t.Fatalf("all: %+v", all)
		}
		if on := n.logins(LoginQuery{Online: true}); len(on.Logins) != 2 {
			t.Errorf("online: %+v", on)
		}
		mine := n.logins(LoginQuery{Account: all.Logins[2].Account})
		if len(mine.Logins) != 2 || !mine.Complete {
			t.Fatalf("of one account: %+v", mine)
		}
		l := mine.Logins[1] // the older one
		if l.Sockets != 3 || l.Nodes != 2 || l.Device != "app" || l.UserAgent != "okhttp/4" || l.IP != "127.0.0.1" || l.SID == "" || time.Since(l.Since) > time.Minute {
			t.Errorf("listed as %+v", l)
		}
		if l := mine.Logins[0]; l.Sockets != 0 || l.Nodes != 0 {
			t.Errorf("a login without a socket: %+v", l)
		}
	}
	if st := a.gate.Status(); st.Logins != 1 || st.Sockets != 2 || !st.RedisUp || st.Policy != "newest" || st.Limit != 3 {
		t.Errorf("status %+v", st)
	}
	if _, err := a.gate.Logins(t.Context(), LoginQuery{Cursor: "x"}); !errors.Is(err, session.ErrCursor) {
		t.Errorf("a wrong cursor: %v", err)
	}
}

// A node whose link is gone still tells of its own sockets.
func TestLoginsWithoutTheOtherNodes(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	n.socket(s.backend.Login("bob"))
	n.admitted(1)
	n.gate.shared.Load().peers.Close()
	if p := n.logins(LoginQuery{}); p.Complete || len(p.Logins) != 1 || p.Logins[0].Sockets != 1 {
		t.Errorf("%+v", p)
	}
}

func TestKickEndsWhatItNames(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) { c.Login.Limit = 4 })
	a, b := s.node(), s.node()
	var tokens []string
	var socks []*proctest.Client
	var sids []string
	for i := range 4 {
		tok := s.backend.Login("bob")
		tokens, socks = append(tokens, tok), append(socks, a.socket(tok))
		a.admitted(i + 1)
		sids = append(sids, a.logins(LoginQuery{}).Logins[0].SID) // the newest first
	}
	account := a.logins(LoginQuery{}).Logins[0].Account
	kick := func(k Kick, want ...int) {
		t.Helper()
		k.Account, k.Reason, k.By = account, "left the company", "admin"
		ended, err := b.gate.Kick(t.Context(), k)
		if err != nil || len(ended) != len(want) {
			t.Fatalf("%+v ended %+v, %v", k, ended, err)
		}
		for _, i := range want {
			socks[i].Expect("loginOut")
			socks[i].ExpectClose(4503)
			proctest.Eventually(t, patience, func() bool { return !a.passes(tokens[i]) }, "the kicked login is refused")
		}
	}
	kick(Kick{SID: sids[1]}, 1)
	kick(Kick{SID: sids[1]})
	kick(Kick{SID: "nobody's"})
	if ended, err := b.gate.Kick(t.Context(), Kick{SID: sids[3][:22] + ".nobody's"}); len(ended) > 0 || err != nil {
		t.Errorf("ended %+v, %v", ended, err)
	}
	kick(Kick{AllBut: sids[2]}, 0, 3)
	if !a.passes(tokens[2]) {
		t.Error("the login that was to stay is refused")
	}
	// A sid leads to its account.
	ended, err := b.gate.Kick(t.Context(), Kick{SID: sids[2], Reason: "left the company", By: "admin"})
	if err != nil || len(ended) != 1 || ended[0].Account != account {
		t.Fatalf("ended %+v, %v", ended, err)
	}
	socks[2].Expect("loginOut")
	socks[2].ExpectClose(4503)
	kick(Kick{All: true})

	// Each told once, where it was done.
	told := 0
	for _, e := range b.gate.Events(EventID{}) {
		if e.Kind == EventKick {
			told++
			if e.By != "admin" || e.Reason != "left the company" || e.Account != account || e.Gate != DefaultName {
				t.Errorf("event %+v", e)
			}
		}
	}
	if told != 4 {
		t.Errorf("%d kicks told, want 4", told)
	}
	for _, e := range a.gate.Events(EventID{}) {
		if e.Kind != EventClaim {
			t.Errorf("told by a node that did nothing: %+v", e)
		}
	}
}

func TestKickMustSayWhom(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	for name, k := range map[string]Kick{
		"no account":  {All: true},
		"whose other": {AllBut: "x"},
		"nobody":      {Account: "1"},
		"two at once": {Account: "1", All: true, SID: "x"},
		"all and but": {Account: "1", All: true, AllBut: "x"},
		"long reason": {Account: "1", All: true, Reason: strings.Repeat("x", 201)},
		"two lines":   {Account: "1", All: true, Reason: "a\nb"},
	} {
		if _, err := n.gate.Kick(t.Context(), k); !errors.Is(err, ErrKick) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoLoginsWhereLoginIsOff(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) { c.Login.Policy = "off" })
	n := s.node()
	if _, err := n.gate.Logins(t.Context(), LoginQuery{}); !errors.Is(err, ErrNoLogins) {
		t.Errorf("list: %v", err)
	}
	if _, err := n.gate.Kick(t.Context(), Kick{Account: "1", All: true}); !errors.Is(err, ErrNoLogins) {
		t.Errorf("kick: %v", err)
	}
	if st := n.gate.Status(); st.Policy != "off" || st.Limit != 0 {
		t.Errorf("status %+v", st)
	}
	if res, _ := n.get("x"); res.StatusCode == http.StatusInternalServerError {
		t.Error("requests fail")
	}
}
