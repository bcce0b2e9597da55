package hub

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsgate/wsgate/core/token"
)

func TestAdmit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		s, c := pipe(t, h, Meta{Ping: time.Minute})
		bob := token.Fingerprint{1}
		if h.PerLogin(bob) != 0 {
			t.Error("in an index of logins before it was admitted")
		}
		s.Admit(bob, "bob", time.Now().Add(5*time.Second), "user")
		if m := s.Meta(); m.Login != bob || m.Account != "bob" || m.User != "user" {
			t.Errorf("%+v", m)
		}
		if h.PerLogin(bob) != 1 {
			t.Error("not in the index of its login")
		}
		s.Admit(token.Fingerprint{2}, "carol", time.Time{}, nil) // once
		if m := s.Meta(); m.Account != "bob" || h.PerLogin(token.Fingerprint{2}) != 0 {
			t.Errorf("admitted twice: %+v", m)
		}
		begin := time.Now()
		if _, last := c.answers(s, true); last != "4504 token expired" {
			t.Errorf("closed with %q", last)
		}
		if d := time.Since(begin); d < 5*time.Second || d > 6*time.Second {
			t.Errorf("expired after %v", d)
		}
		if h.PerLogin(bob) != 0 {
			t.Error("still in the index of its login")
		}
		s.Admit(bob, "bob", time.Time{}, nil)
	})
}

// A socket that was closed while its token was judged joins no index any more.
func TestAdmitAfterClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, Options{})
		s, _ := pipe(t, h, Meta{})
		s.Detach()
		s.Admit(token.Fingerprint{1}, "bob", time.Time{}, nil)
		if h.PerLogin(token.Fingerprint{1}) != 0 {
			t.Error("a closed socket is in an index")
		}
	})
}
