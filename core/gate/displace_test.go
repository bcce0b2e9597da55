package gate

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
)

const patience = 10 * time.Second

func TestNewerLoginDisplacesSocketsOnEveryNode(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	a, b := s.node(), s.node()
	old := s.backend.Login("bob")
	page, dialog := a.socket(old), a.socket(old)
	page.Send(fmt.Sprintf("msg:%d", s.backend.UserID("bob")))
	dialog.Send("data_imei:7")
	bystander := a.socket(s.backend.Login("bob2"))

	fresh := b.socket(s.backend.Login("bob"))
	for _, c := range []*proctest.Client{page, dialog} {
		c.Expect("loginOut")
		c.ExpectClose(4501)
	}
	for _, c := range []*proctest.Client{fresh, bystander} {
		c.Send("ping")
		c.Expect("pong")
	}
}

func TestDisplacedLoginIsRefusedOnHTTPAtOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	a, b := s.node(), s.node()
	old, fresh := displacedAt(a, b, "bob")
	for _, n := range []*node{a, b} {
		proctest.Eventually(t, time.Second, func() bool { return !n.passes(old) }, "the old login is refused")
		if !n.passes(fresh) {
			t.Error("the new login is refused")
		}
	}
	res, body := a.get(old, "Origin", a.srv.URL)
	if res.StatusCode != http.StatusOK || !strings.Contains(body, `"code":401`) {
		t.Errorf("the refusal is not in RuoYi's shape: %d %s", res.StatusCode, body)
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q", got)
	}
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != a.srv.URL {
		t.Errorf("Access-Control-Allow-Origin = %q", got)
	}
}

func TestReturningDisplacedSocketIsToldAgain(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	a, b := s.node(), s.node()
	old, fresh := displacedAt(a, b, "bob")
	live := b.socket(fresh)
	for range 5 {
		c := a.socket(old)
		c.Expect("loginOut")
		c.ExpectClose(4501)
	}
	live.Send("ping")
	live.Expect("pong") // five reconnects of the old page kicked nobody
	for range returnsPerMinute - 5 {
		c := a.socket(old)
		c.Expect("loginOut")
	}
	if res := proctest.Refused(t, a.srv.URL+"/ws?token="+old); res.StatusCode != http.StatusForbidden {
		t.Errorf("return %d: status %d, want 403", returnsPerMinute+1, res.StatusCode)
	}
}

func TestSimultaneousLoginsLeaveOne(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	a, b := s.node(), s.node()
	const logins = 60
	tokens := make([]string, logins)
	var wg sync.WaitGroup
	for i := range tokens {
		tokens[i] = s.backend.Login("bob")
		wg.Go(func() {
			n := a
			if i%2 == 1 {
				n = b
			}
			r := httptest.NewRequest(http.MethodGet, "/orders", nil)
			r.Header.Set("Authorization", "Bearer "+tokens[i])
			r.RemoteAddr = fmt.Sprintf("192.0.2.%d:1", i)
			_ = n.site.ServeHTTP(httptest.NewRecorder(), r, func(http.ResponseWriter, *http.Request) error { return nil })
		})
	}
	wg.Wait()
	for _, n := range []*node{a, b} {
		proctest.Eventually(t, patience, func() bool {
			live := 0
			for _, tok := range tokens {
				if n.passes(tok) {
					live++
				}
			}
			return live == 1
		}, "exactly one login is live")
	}
}

func TestRedisKilledAndStartedEmpty(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	old, fresh := displacedAt(n, n, "bob")
	sock := n.socket(fresh)
	sock.Send("data_imei:1")
	proctest.Eventually(t, patience, func() bool { return s.publish("data_imei:1", "before") != "0" }, "subscribed")
	s.redis.Kill()
	s.redis.Start()
	proctest.Eventually(t, 5*time.Second, func() bool { return s.publish("data_imei:1", "after") != "0" }, "delivery resumes")
	for sock.Next() != "after" {
	}
	proctest.Eventually(t, patience, func() bool { return !n.passes(old) }, "the displaced login stays out")
	if !n.passes(fresh) {
		t.Error("the live login was lost with Redis")
	}
	newer := n.socket(s.backend.Login("bob"))
	for m := sock.Next(); m != "loginOut"; m = sock.Next() {
	}
	sock.ExpectClose(4501)
	newer.Send("ping")
	newer.Expect("pong")
}
