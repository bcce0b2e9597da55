package gate

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/token"
)

func TestRefusedHandshakes(t *testing.T) {
	t.Parallel()
	s := newStack(t, everywhere)
	n := s.node()
	tok := s.backend.Login("bob")
	for _, c := range []struct {
		name    string
		query   string
		headers []string
		status  int
	}{
		{"foreign origin", "?token=" + tok, []string{"Origin", "http://evil.example"}, 403},
		{"foreign origin comes before everything", "", []string{"Origin", "http://evil.example"}, 403},
		{"null origin", "?token=" + tok, []string{"Origin", "null"}, 403},
		{"cookie without origin", "", []string{"Cookie", "tok=" + tok}, 403},
		{"no token", "", nil, 401},
		{"undefined", "?token=undefined", nil, 401},
		{"null", "?token=null", nil, 401},
		{"malformed", "?token=a%20b", nil, 400},
		{"100 kB", "?token=" + strings.Repeat("x", 100<<10), nil, 400},
		{"other spelling of a JWT", "?token=" + respell(tok), nil, 400},
		{"two", "?token=" + tok, []string{"X-Access-Token", "another"}, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			var opts []proctest.DialOption
			for i := 0; i < len(c.headers); i += 2 {
				opts = append(opts, proctest.WithHeader(c.headers[i], c.headers[i+1]))
			}
			res := proctest.Refused(t, n.srv.URL+"/ws"+c.query, opts...)
			if res.StatusCode != c.status {
				t.Errorf("status %d, want %d", res.StatusCode, c.status)
			}
		})
	}
	if calls := s.backend.Calls("/getInfo"); calls != 0 {
		t.Errorf("the backend was asked %d times about handshakes that could not succeed", calls)
	}
	res, _ := n.do(n.request(http.MethodGet, "/ws?token="+tok, "", "Connection", "Upgrade", "Upgrade", "websocket",
		"Sec-WebSocket-Version", "12", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="))
	if res.StatusCode != http.StatusUpgradeRequired || res.Header.Get("Sec-WebSocket-Version") != "13" {
		t.Errorf("version 12: %d %v", res.StatusCode, res.Header)
	}
}

func TestTokenSourcesOfASocket(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) {
		everywhere(c)
		c.Tokens = append(c.Tokens, token.Source{Kind: token.Subprotocol})
	})
	n := s.node()
	tok := s.backend.Login("bob")
	for name, opts := range map[string][]proctest.DialOption{
		"header":         {proctest.WithHeader("Authorization", "Bearer "+tok)},
		"cookie":         {proctest.WithHeader("Cookie", "tok="+tok), proctest.WithHeader("Origin", n.srv.URL)},
		"subprotocol":    {proctest.WithSubprotocols("wsgate", "token."+b64(tok))},
		"header, absent": {proctest.WithHeader("X-Access-Token", tok)},
	} {
		t.Run(name, func(t *testing.T) {
			c := proctest.Dial(t, n.srv.URL+"/ws", opts...)
			c.Send("ping")
			c.Expect("pong")
			if got := c.Conn.Subprotocol(); strings.Contains(got, "token") {
				t.Errorf("the token was echoed: %q", got)
			}
		})
	}
}

func TestInactiveTokenIsToldAndClosed(t *testing.T) {
	t.Parallel()
	text := "expired, sorry"
	s := newStack(t, func(c *Config) { c.Sockets[0].Messages.Expired = &text })
	n := s.node()
	c := n.socket("nobody")
	c.Expect(text)
	c.ExpectClose(4504)
}

func TestInvariant16IntrospectionTroubleLosesNoLogin(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]proctest.Fault{
		"500": proctest.Error500, "hang": proctest.Hang, "HTML": proctest.HTML, "2 MiB": proctest.Huge,
		"redirect": proctest.Redirect, "429": proctest.Status429, "break": proctest.Break,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ttl := conf.Duration(time.Millisecond)
			s := newStack(t, func(c *Config) {
				c.Introspect.Timeout = conf.Duration(300 * time.Millisecond)
				c.Introspect.CacheTTL = &ttl
			})
			n := s.node()
			tok := s.backend.Login("bob")
			sock := n.socket(tok)
			s.backend.SetFault(fault)
			if !n.passes(tok) {
				t.Error("a known login was refused on HTTP")
			}
			again := n.socket(tok) // within stale_if_error
			for _, c := range []*proctest.Client{sock, again} {
				c.Send("ping")
				c.Expect("pong")
			}
			if res := proctest.Refused(t, n.srv.URL+"/ws?token="+s.backend.Login("alice")); res.StatusCode != 503 {
				t.Errorf("unknown token: status %d, want 503", res.StatusCode)
			}
			if !n.passes(s.backend.Login("carol")) {
				t.Error("fail open, but a request of an unknown login was refused")
			}
			s.backend.SetFault(proctest.NoFault)
			n.socket(s.backend.Login("dave")).Send("ping") // an error is not cached
		})
	}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	tok := s.backend.Login("bob")
	id := s.backend.UserID("bob")
	c := n.socket(tok)
	c.Send(fmt.Sprintf("msg:%d", id))
	c.Send("msg:bob") // an alias
	c.Send("msg:undefined")
	c.Expect("error:forbidden msg:undefined")
	c.Send("data_imei:a b")
	c.Expect("error:unknown_command data_imei:a b")
	c.Send("data_imei:42")
	proctest.Eventually(t, patience, func() bool { return s.publish("data_imei:42", "0") == "1" }, "one subscription")
	for c.Next() != "0" {
	}
	second := n.socket(s.backend.Login("alice"))
	second.Send("data_imei:42")
	second.Send("ping")
	second.Expect("pong") // commands are carried out in order
	for i := range 100 {
		if got := s.publish("data_imei:42", fmt.Sprintf(`{"n": %d}`, i)); got != "1" {
			t.Fatalf("%s subscriptions of one channel on one node", got)
		}
	}
	for i := range 100 {
		want := fmt.Sprintf(`{"n": %d}`, i)
		c.Expect(want)
		second.Expect(want)
	}
	c.Send("unsubscribe data_imei:42")
	c.Send("ping")
	c.Expect("pong")
	s.publish("data_imei:42", "late")
	second.Expect("late")
	c.Send("ping")
	c.Expect("pong") // and not "late"
}

func TestLimits(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) {
		c.Limits.ConnectionsPerLogin = 2
		c.Limits.Connections = 3
		c.Limits.ChannelsPerConnection = 1
		c.Limits.MessageSize = 100
	})
	n := s.node()
	bob, alice := s.backend.Login("bob"), s.backend.Login("alice")
	first := n.socket(bob)
	n.socket(bob)
	if res := proctest.Refused(t, n.srv.URL+"/ws?token="+bob); res.StatusCode != 429 {
		t.Errorf("third socket of a login: %d, want 429", res.StatusCode)
	}
	third := n.socket(alice)
	if res := proctest.Refused(t, n.srv.URL+"/ws?token="+alice); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("fourth socket of the node: %d %v, want 503 and Retry-After", res.StatusCode, res.Header)
	}
	first.Send("data_imei:1")
	first.Send("data_imei:1")
	first.Send("data_imei:2")
	first.Expect("error:too_many_channels data_imei:2")
	third.Send(strings.Repeat("x", 101))
	third.ExpectClose(1009)
	proctest.Eventually(t, patience, func() bool { return n.gate.seats.total.Load() == 2 }, "the seat is free again")
	n.socket(alice).Send("ping")
}
