package gate

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

// byMessage lets sockets send their token as their first message.
func byMessage(c *Config) {
	c.Tokens = append(token.DefaultSources(), token.Source{Kind: token.FirstMessage})
}

// silent opens a socket that has not sent its token.
func (n *node) silent(t *testing.T) *proctest.Client {
	t.Helper()
	return proctest.Dial(t, n.srv.URL+"/ws")
}

func TestTokenAsFirstMessage(t *testing.T) {
	t.Parallel()
	s := newStack(t, byMessage)
	n := s.node()
	bob := s.backend.Login("bob")
	for name, message := range map[string]string{
		"bare": bob,
		"JSON": fmt.Sprintf(`{"type":"auth","token":%q}`, bob),
	} {
		t.Run(name, func(t *testing.T) {
			c := n.silent(t)
			c.Send("ping") // no token: the heartbeat of a page that begins with it
			c.Expect("pong")
			c.Send(message)
			c.Send(fmt.Sprintf("msg:%d", s.backend.UserID("bob")))
			c.Send("data_imei:7")
			c.Send("data:7")
			c.Expect("error:unknown_command data:7")
			proctest.Eventually(t, patience, func() bool { return s.publish("data_imei:7", "0") == "1" }, "subscribed")
			c.Expect("0")
			c.SendClose(1000, "")
		})
	}
	proctest.Eventually(t, patience, func() bool { return n.gate.waiting.seats.total.Load() == 0 }, "no place is taken")
	first := n.silent(t)
	first.Send(bob)
	first.Send("ping")
	first.Expect("pong")
	fresh := n.silent(t)
	fresh.Send(s.backend.Login("bob"))
	fresh.Send("ping")
	fresh.Expect("pong")
	first.Expect("loginOut")
	first.ExpectClose(4501)
	if n.passes(bob) {
		t.Error("a login by message displaced nobody on HTTP")
	}
	// A token found earlier leaves the first message a command.
	earlier := n.socket(s.backend.Login("carol"))
	earlier.Send("a.token")
	earlier.Expect("error:unknown_command a.token")
}

func TestFirstMessageThatLetsNobodyIn(t *testing.T) {
	t.Parallel()
	expired := "expired"
	s := newStack(t, byMessage, func(c *Config) { c.Sockets[0].Messages.Expired = &expired })
	n := s.node()
	old, _ := displacedAt(n, n, "bob")
	for _, c := range []struct {
		name, message string
		told          string
		code          int
	}{
		{"displaced", old, "loginOut", 4501},
		{"displaced, in JSON", fmt.Sprintf(`{"token":%q}`, old), "loginOut", 4501},
		{"displaced, respelt", respell(old), "", 1008},
		{"inactive", "nobody", expired, 4504},
		{"undefined", "undefined", "", 4504},
		{"an object without a token", `{"type":"auth"}`, "", 4504},
		{"empty", "", "", 4504},
		{"two words", "Bearer x", "", 1008},
		{"long", strings.Repeat("x", 9<<10), "", 1008},
		{"too long for a message", strings.Repeat("x", 65<<10), "", 1009},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sock := n.silent(t)
			sock.Send(c.message)
			if c.told != "" {
				sock.Expect(c.told)
			}
			sock.ExpectClose(c.code)
		})
	}
	t.Run("binary", func(t *testing.T) {
		t.Parallel()
		sock := n.silent(t)
		if err := sock.Conn.WriteMessage(2, []byte(s.backend.Login("carol"))); err != nil {
			t.Fatal(err)
		}
		sock.ExpectClose(1008)
	})
}

func TestFirstMessageDenied(t *testing.T) {
	t.Parallel()
	s := newStack(t, byMessage, func(c *Config) { c.Login.Policy = session.PolicyOldest })
	n := s.node()
	if !n.passes(s.backend.Login("bob")) {
		t.Fatal("the first login does not pass")
	}
	c := n.silent(t)
	c.Send(s.backend.Login("bob"))
	c.ExpectClose(4505)
}

func TestFirstMessageWhileIntrospectionFails(t *testing.T) {
	t.Parallel()
	s := newStack(t, byMessage)
	n := s.node()
	s.backend.SetFault(proctest.Error500)
	c := n.silent(t)
	c.Send(s.backend.Login("bob"))
	c.ExpectClose(1013)
}

func TestFirstMessageBeyondTheLimits(t *testing.T) {
	t.Parallel()
	s := newStack(t, byMessage, func(c *Config) { c.Limits.ConnectionsPerLogin = 1 })
	n := s.node()
	bob := s.backend.Login("bob")
	n.socket(bob).Send("ping")
	c := n.silent(t)
	c.Send(bob)
	c.ExpectClose(1013)
	old, _ := displacedAt(n, n, "carol")
	for range returnsPerMinute {
		c := n.silent(t)
		c.Send(old)
		c.Expect("loginOut")
		c.ExpectClose(4501)
	}
	c = n.silent(t)
	c.Send(old)
	c.ExpectClose(1008)
}

func TestSilentSocketIsClosedInTime(t *testing.T) {
	t.Parallel()
	s := newStack(t, byMessage)
	n := s.node()
	n.gate.waiting.wait = 50 * time.Millisecond
	n.silent(t).ExpectClose(1008)
	proctest.Eventually(t, patience, func() bool {
		return n.gate.waiting.seats.total.Load() == 0 && n.gate.seats.total.Load() == 0
	}, "all seats are free")
}

func TestSocketsThatWaitAreBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t, byMessage)
	n := s.node()
	n.gate.waiting.total = 3
	n.gate.waiting.perIP = 2
	first := n.silent(t)
	n.silent(t)
	if res := proctest.Refused(t, n.srv.URL+"/ws"); res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
		t.Errorf("one more of an address: %d %v", res.StatusCode, res.Header)
	}
	n.gate.waiting.perIP = 9
	n.silent(t)
	if res := proctest.Refused(t, n.srv.URL+"/ws"); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one more of the node: %d", res.StatusCode)
	}
	n.socket(s.backend.Login("alice")).Send("ping") // does not wait
	first.Send(s.backend.Login("bob"))
	first.Send("ping")
	first.Expect("pong")
	n.silent(t) // its place is free
}

// Sockets that wait have no goroutine.
func TestWaitingIsCheap(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("idle sockets park on Linux only")
	}
	s := newStack(t, byMessage)
	n := s.node()
	const sockets = 50
	for range sockets {
		n.silent(t)
	}
	buf := make([]byte, 4<<20)
	proctest.Eventually(t, patience, func() bool {
		return !strings.Contains(string(buf[:runtime.Stack(buf, true)]), "wire.(*Loop).read")
	}, "no goroutine waits for a token")
}

func TestSilentSocketsGoWithTheGate(t *testing.T) {
	t.Parallel()
	s := newStack(t, byMessage)
	n := s.node()
	c := n.silent(t)
	proctest.Eventually(t, patience, func() bool { return n.gate.hub.Count() == 1 }, "the hub has the socket")
	n.gate.drain.Store(0)
	if err := n.gate.Close(); err != nil {
		t.Fatal(err)
	}
	c.ExpectClose(1001)
}
