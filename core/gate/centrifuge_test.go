package gate

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/centrifugal/protocol"
	"github.com/gorilla/websocket"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

// speaksCentrifuge has the stack's path speak that protocol.
func speaksCentrifuge(c *Config) {
	c.Sockets[0].Protocol = ProtocolCentrifuge
	c.Sockets[0].Channels = append(c.Sockets[0].Channels, channel.Config{Pattern: "room:{id}", Redis: "chat:{id}", Publish: &channel.Publish{}})
}

// connects sends the connect command and expects its result.
func connects(t *testing.T, c *proctest.Client, token string) string {
	t.Helper()
	c.Send(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, token))
	got := c.Next()
	if !strings.HasPrefix(got, `{"id":1,"connect":{"client":"`) {
		t.Fatalf("got %s", got)
	}
	return got
}

func TestCentrifugeTokenInTheConnectCommand(t *testing.T) {
	t.Parallel()
	s := newStack(t, speaksCentrifuge)
	n := s.node()
	c := n.silent(t)
	connects(t, c, s.backend.Login("bob"))
	if n := n.gate.waiting.seats.total.Load(); n != 0 {
		t.Errorf("%d places are taken", n)
	}
	// What is published after the reply arrives.
	for i := range 20 {
		c.Send(fmt.Sprintf(`{"id":%d,"subscribe":{"channel":"data_imei:%d"}}`, i+2, i))
		c.Expect(fmt.Sprintf(`{"id":%d,"subscribe":{}}`, i+2))
		if got := s.publish(fmt.Sprint("data_imei:", i), `{"t":21}`); got != "1" {
			t.Fatalf("%s listen", got)
		}
		c.Expect(fmt.Sprintf(`{"push":{"channel":"data_imei:%d","pub":{"data":{"t":21}}}}`, i))
	}
	c.Send(fmt.Sprintf(`{"id":50,"subscribe":{"channel":"msg:%d"}}`, s.backend.UserID("bob")))
	c.Expect(`{"id":50,"subscribe":{}}`)
	c.Send(`{"id":51,"subscribe":{"channel":"room:1"}}`)
	c.Expect(`{"id":51,"subscribe":{}}`)
	c.Send(`{"id":52,"publish":{"channel":"room:1","data":"hello"}}`)
	got := map[string]bool{c.Next(): true, c.Next(): true}
	if !got[`{"id":52,"publish":{}}`] || !got[`{"push":{"channel":"room:1","pub":{"data":"hello"}}}`] {
		t.Errorf("got %v", got)
	}
}

func TestCentrifugeTokenInTheHandshake(t *testing.T) {
	t.Parallel()
	s := newStack(t, speaksCentrifuge, func(c *Config) {
		c.Tokens = append(token.DefaultSources(), token.Source{Kind: token.Cookie, Name: "session"})
	})
	n := s.node()
	bob := s.backend.Login("bob")
	connects(t, n.socket(bob), bob)
	connects(t, n.socket(bob), "")
	c := n.socket(bob)
	c.Send(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, s.backend.Login("alice")))
	c.Expect(`{"id":1,"error":{"code":107,"message":"bad request"}}`)
	c.Next() // the disconnect push
	c.ExpectClose(1008)
	// A cookie needs an Origin still, and a foreign one gets in nowhere.
	for name, header := range map[string]http.Header{
		"a cookie without an origin": {"Cookie": {"session=" + bob}}, "a foreign origin": {"Origin": {"https://evil.example"}},
	} {
		r := n.request(http.MethodGet, "/ws", "", "Connection", "Upgrade", "Upgrade", "websocket", "Sec-Websocket-Version", "13", "Sec-Websocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")
		maps.Copy(r.Header, header)
		if res, _ := n.do(r); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d", name, res.StatusCode)
		}
	}
}

func TestCentrifugeRefusals(t *testing.T) {
	t.Parallel()
	s := newStack(t, speaksCentrifuge)
	n := s.node()
	old, _ := displacedAt(n, n, "bob")
	for name, c := range map[string]struct {
		connect string
		notice  string
		code    int
	}{
		"no token":  {`{}`, "", 4504},
		"undefined": {`{"token":"undefined"}`, "", 4504},
		"malformed": {`{"token":"with space"}`, `{"id":1,"error":{"code":107,"message":"bad request"}}`, 1008},
		"inactive":  {`{"token":"nobody"}`, "", 4504},
		"displaced": {fmt.Sprintf(`{"token":%q}`, old), `{"push":{"message":{"data":"loginOut"}}}`, 4501},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sock := n.silent(t)
			sock.Send(`{"id":1,"connect":` + c.connect + "}\n" + `{"id":2,"subscribe":{"channel":"data_imei:1"}}`)
			if c.notice != "" {
				sock.Expect(c.notice)
			}
			if c.code == 1008 {
				sock.Next() // the disconnect push
			}
			sock.ExpectClose(c.code)
		})
	}
	t.Run("silent", func(t *testing.T) {
		slow := newStack(t, speaksCentrifuge).node()
		slow.gate.waiting.wait = 50 * time.Millisecond
		slow.silent(t).ExpectClose(1008)
	})
}

// Where tokens can be refreshed, the client learns that its token has expired, for it
// would come back with the same otherwise.
func TestCentrifugeExpiredToken(t *testing.T) {
	t.Parallel()
	s := newStack(t, speaksCentrifuge, func(c *Config) {
		c.Login.Refresh = []session.Refresh{{Route: session.Route{Method: "POST", Path: "/refresh"}, New: "body.token"}}
	})
	c := s.node().silent(t)
	c.Send(`{"id":1,"connect":{"token":"nobody"}}`)
	c.Expect(`{"id":1,"error":{"code":109,"message":"token expired"}}`)
	c.ExpectClose(4005)
}

// So it does where a lenient backend still calls the token active. It displaces nobody.
func TestCentrifugeActiveButExpired(t *testing.T) {
	t.Parallel()
	s := newStack(t, speaksCentrifuge, refreshing(""))
	n := s.node()
	live := n.silent(t)
	connects(t, live, s.backend.Login("bob"))
	s.cfg.Introspect.Expires = fmt.Sprint(time.Now().Add(-time.Second).UnixMilli())
	late := s.node()
	c := late.silent(t)
	c.Send(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, s.backend.Login("bob")))
	c.Expect(`{"id":1,"error":{"code":109,"message":"token expired"}}`)
	c.ExpectClose(4005)
	live.Send(fmt.Sprintf(`{"id":2,"refresh":{"token":%q}}`, s.backend.Login("bob")))
	live.Expect(`{"id":2,"refresh":{}}`)
}

func TestCentrifugeDisplacement(t *testing.T) {
	t.Parallel()
	said := `{"reason":"{reason}"}`
	s := newStack(t, speaksCentrifuge, func(c *Config) { c.Sockets[0].Messages.Displaced = &said })
	a, b := s.node(), s.node()
	first := a.silent(t)
	connects(t, first, s.backend.Login("bob"))
	first.Send(`{"id":2,"subscribe":{"channel":"data_imei:1"}}`)
	first.Expect(`{"id":2,"subscribe":{}}`)
	connects(t, b.silent(t), s.backend.Login("bob"))
	first.Expect(`{"push":{"message":{"data":{"reason":"displaced"}}}}`)
	first.ExpectClose(4501)
}

// When the link to Redis breaks, subscriptions end and are made again, and deliver.
func TestCentrifugeGap(t *testing.T) {
	t.Parallel()
	s := newStack(t, speaksCentrifuge)
	c := s.node().silent(t)
	connects(t, c, s.backend.Login("bob"))
	c.Send(`{"id":2,"subscribe":{"channel":"data_imei:1"}}`)
	c.Expect(`{"id":2,"subscribe":{}}`)
	s.redis.Kill()
	c.Expect(`{"push":{"channel":"data_imei:1","unsubscribe":{"code":2500,"reason":"insufficient state"}}}`)
	c.Send(`{"id":3,"subscribe":{"channel":"data_imei:1"}}`) // waits for the connection
	s.redis.Start()
	c.Expect(`{"id":3,"subscribe":{}}`)
	if got := s.publish("data_imei:1", "again"); got != "1" {
		t.Fatalf("%s listen", got)
	}
	c.Expect(`{"push":{"channel":"data_imei:1","pub":{"data":"again"}}}`)
}

// A path that changes its protocol has its clients come again.
func TestProtocolChange(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	c := n.socket(s.backend.Login("bob"))
	c.Send("ping")
	c.Expect("pong")
	cfg := s.cfg
	cfg.Sockets = []Socket{s.cfg.Sockets[0]}
	speaksCentrifuge(&cfg)
	site, err := NewSite(n.gate, cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	site.Activate()
	c.ExpectClose(1012)
	if err := (Config{Introspect: cfg.Introspect, Sockets: []Socket{{Path: "/x", Protocol: "stomp"}}}).Validate(); err == nil {
		t.Error("an unknown protocol was accepted")
	}
}

// A socket goes on with a fresh token of its account, which is the same login; with
// nobody else's.
func TestCentrifugeRefresh(t *testing.T) {
	t.Parallel()
	s := newStack(t, speaksCentrifuge, refreshing(""), func(c *Config) {
		c.Introspect.Expires = fmt.Sprint(time.Now().Add(time.Hour).UnixMilli())
	})
	n := s.node()
	for name, open := range map[string]func(token string) *proctest.Client{
		"in the connect command": func(token string) *proctest.Client {
			c := n.silent(t)
			c.Send(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, token))
			return c
		},
		"in the handshake": func(token string) *proctest.Client {
			c := n.socket(token)
			c.Send(`{"id":1,"connect":{}}`)
			return c
		},
	} {
		old := s.backend.Login(name)
		c := open(old)
		if got := c.Next(); !strings.Contains(got, `"expires":true,"ttl":3590`) && !strings.Contains(got, `"expires":true,"ttl":3589`) {
			t.Errorf("%s: %s", name, got)
		}
		fresh := s.backend.Refresh(old)
		for range 2 { // again is the same
			c.Send(fmt.Sprintf(`{"id":2,"refresh":{"token":%q}}`, fresh))
			if got := c.Next(); !strings.HasPrefix(got, `{"id":2,"refresh":{"expires":true,"ttl":35`) {
				t.Errorf("%s: %s", name, got)
			}
		}
		if !n.passes(fresh) {
			t.Errorf("%s: the fresh token does not pass", name)
		}
		for token, want := range map[string]string{
			s.backend.Login("alice"): `{"code":103,"message":"permission denied"}`,
			"nobody":                 `{"code":109,"message":"token expired"}`,
			"":                       `{"code":107,"message":"bad request"}`,
		} {
			c.Send(fmt.Sprintf(`{"id":3,"refresh":{"token":%q}}`, token))
			c.Expect(`{"id":3,"error":` + want + `}`)
		}
		c.Send(`{"id":4,"presence":{"channel":"x"}}`)
		c.Expect(`{"id":4,"error":{"code":108,"message":"not available"}}`)
		displacer := n.silent(t)
		displacer.Send(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, s.backend.Login(name)))
		displacer.Next()
		c.Expect(`{"push":{"message":{"data":"loginOut"}}}`)
		c.ExpectClose(4501)
		displacer.Send(fmt.Sprintf(`{"id":2,"refresh":{"token":%q}}`, fresh))
		displacer.Expect(`{"push":{"message":{"data":"loginOut"}}}`)
		displacer.ExpectClose(4501)
	}
}

// Clients ask for Protobuf by a subprotocol; it is answered, and so is that of JSON.
func TestCentrifugeFormats(t *testing.T) {
	t.Parallel()
	s := newStack(t, speaksCentrifuge)
	n := s.node()
	old := s.backend.Login("bob")
	for _, c := range []struct{ offers, answer string }{
		{"", ""},
		{"centrifuge-json", "centrifuge-json"},
		{"other, centrifuge-protobuf", "centrifuge-protobuf"},
		{"centrifuge-protobuf, centrifuge-json", "centrifuge-protobuf"},
		{"other", ""},
	} {
		d := websocket.Dialer{Subprotocols: strings.Split(c.offers, ", ")}
		if c.offers == "" {
			d.Subprotocols = nil
		}
		ws, res, err := d.Dial("ws"+strings.TrimPrefix(n.srv.URL, "http")+"/ws", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer ws.Close()       //nolint:errcheck // a test
		defer res.Body.Close() //nolint:errcheck // a test
		if got := ws.Subprotocol(); got != c.answer {
			t.Errorf("offered %q: answered %q", c.offers, got)
		}
		if c.answer != "centrifuge-protobuf" {
			continue
		}
		connect := protocol.Command{Id: 1, Connect: &protocol.ConnectRequest{Token: old}}
		b, err := connect.MarshalCF()
		if err != nil {
			t.Fatal(err)
		}
		_ = ws.WriteMessage(websocket.BinaryMessage, append(binary.AppendUvarint(nil, uint64(len(b))), b...)) // the answer tells
		op, got, err := ws.ReadMessage()
		if err != nil || op != websocket.BinaryMessage || !strings.Contains(string(got), "wsgate") {
			t.Errorf("type %d %q, %v", op, got, err)
		}
	}
}
