package centrifuge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

// page is a client that speaks the protocol by hand, and what is behind it.
type page struct {
	*websocket.Conn
	t      *testing.T
	h      *hub.Hub
	socket *hub.Socket
	opts   atomic.Pointer[Options]
	live   chan error // what Live says; nil: yes
}

func newRules(t *testing.T) *channel.Rules {
	t.Helper()
	r, err := channel.Compile(&channel.Account{Pattern: "msg:{account}"}, []channel.Config{
		{Pattern: "c:{id}", Publish: &channel.Publish{Authorize: &channel.Authorize{When: "params.id != 'read'"}}},
		{Pattern: "alias:{id}", Redis: "c:{id}"},
		{Pattern: "secret:{id}", Authorize: &channel.Authorize{When: "false"}},
		{Pattern: "busy:{id}", Authorize: &channel.Authorize{Probe: &channel.Probe{Method: "GET", URI: "/{id}"}}},
	}, "wsgate:", channel.Options{Probe: func(context.Context, string, string, token.Token) (channel.Response, error) {
		return channel.Response{}, errors.New("backend is down")
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func open(t *testing.T, o Options) *page { return openWith(t, o, nil) }

func openWith(t *testing.T, o Options, live chan error) *page {
	t.Helper()
	if o.Rules == nil {
		o.Rules = newRules(t)
	}
	if o.Channels == 0 {
		o.Channels = 100
	}
	if o.Commands == 0 {
		o.Commands = 1000
	}
	if o.Ping == 0 {
		o.Ping = 25 * time.Second
	}
	poller := wire.NewPoller(slog.New(slog.DiscardHandler))
	t.Cleanup(poller.Close)
	p := &page{t: t, live: live, h: hub.New(hub.Options{Log: slog.New(slog.DiscardHandler)})}
	p.opts.Store(&o)
	tok, err := token.New("t0ken")
	if err != nil {
		t.Fatal(err)
	}
	attached, ended := make(chan *hub.Socket, 1), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := wire.Upgrade(w, r, wire.UpgradeOptions{Poller: poller})
		if err != nil {
			t.Error(err)
			return
		}
		sock := p.h.Attach(c.NetConn(), hub.Meta{Reader: c, Framing: o.Format.Framing(), Ping: o.Ping})
		c.SetSink(sock)
		attached <- sock
		v := &Server{
			Context: t.Context(), Hub: p.h, Options: p.opts.Load, Publish: p.publishing,
			Live: p.isLive,
		}
		v.Serve(c, sock, Client{User: &channel.User{Subject: "7"}, Is: func(t token.Token) bool { return t == tok }}, func() { close(ended) })
	}))
	c, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Conn, p.socket = c, <-attached
	t.Cleanup(func() {
		c.Close()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Error("Serve goes on after its connection")
		}
		p.h.Close()
		s.Close()
	})
	c.SetReadDeadline(time.Now().Add(20 * time.Second)) //nolint:errcheck // a test
	return p
}

func (p *page) isLive(ctx context.Context, _ string) error {
	if p.live == nil {
		return nil
	}
	select {
	case err := <-p.live:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// connected is open, and connected.
func connected(t *testing.T, o Options) *page {
	t.Helper()
	p := open(t, o)
	p.connect()
	return p
}

func (p *page) connect() {
	p.t.Helper()
	p.send(`{"id":1,"connect":{}}`)
	if got := p.next(); !strings.HasPrefix(got, `{"id":1,"connect":{"client":"`) {
		p.t.Fatalf("got %s", got)
	}
}

func (p *page) send(lines ...string) {
	p.t.Helper()
	if err := p.WriteMessage(websocket.TextMessage, []byte(strings.Join(lines, "\n"))); err != nil {
		p.t.Fatal(err)
	}
}

func (p *page) next() string {
	p.t.Helper()
	op, got, err := p.ReadMessage()
	if err != nil || op != websocket.TextMessage {
		p.t.Fatalf("got type %d, %q, %v", op, got, err)
	}
	return string(got)
}

func (p *page) expect(want ...string) {
	p.t.Helper()
	for _, w := range want {
		if got := p.next(); got != w {
			p.t.Fatalf("got  %s\nwant %s", got, w)
		}
	}
}

func (p *page) expectClose(code int, reason string) {
	p.t.Helper()
	_, got, err := p.ReadMessage()
	var ce *websocket.CloseError
	if !errors.As(err, &ce) || ce.Code != code || ce.Text != reason {
		p.t.Fatalf("got %q, %v; want close %d %q", got, err, code, reason)
	}
}

func (p *page) publish(ch, payload string) {
	p.h.Broadcast(ch, []byte(payload))
	p.h.Flush()
}

// publishing is a Server's Publish that has only this hub's sockets to reach.
func (p *page) publishing(_ context.Context, _ *hub.Socket, ch string, payload []byte) error {
	if ch == "c:lost" {
		return errors.New("redis is down")
	}
	p.publish(ch, string(payload))
	return nil
}

func TestConnect(t *testing.T) {
	t.Parallel()
	p := open(t, Options{Ping: 25 * time.Second})
	p.send(`{"connect":{"token":"t0ken","name":"js"},"id":1}`)
	got := p.next()
	if !strings.HasPrefix(got, `{"id":1,"connect":{"client":"`) || !strings.HasSuffix(got, `","version":"wsgate","ping":25,"pong":true}}`) {
		t.Errorf("got %s", got)
	}
	p.send(`{"id":2,"connect":{}}`)
	p.expect(`{"push":{"disconnect":{"code":3501,"reason":"connected already"}}}`)
	p.expectClose(1008, "connected already")
}

func TestCommands(t *testing.T) {
	t.Parallel()
	p := connected(t, Options{Channels: 3})
	for _, c := range []struct{ send, want string }{
		{`{"id":2,"subscribe":{"channel":"c:1"}}`, `{"id":2,"subscribe":{}}`},
		{`{"id":3,"subscribe":{"channel":"c:1"}}`, `{"id":3,"error":{"code":105,"message":"already subscribed"}}`},
		{`{"id":4,"subscribe":{"channel":"msg:7"}}`, `{"id":4,"subscribe":{}}`},
		{`{"id":5,"subscribe":{"channel":"msg:7"}}`, `{"id":5,"error":{"code":105,"message":"already subscribed"}}`},
		{`{"id":6,"subscribe":{"channel":"msg:8"}}`, `{"id":6,"error":{"code":103,"message":"permission denied"}}`},
		{`{"id":7,"subscribe":{"channel":"hello"}}`, `{"id":7,"error":{"code":102,"message":"unknown channel"}}`},
		{`{"id":8,"subscribe":{"channel":""}}`, `{"id":8,"error":{"code":107,"message":"bad request"}}`},
		{`{"id":9,"subscribe":{"channel":"secret:1"}}`, `{"id":9,"error":{"code":103,"message":"permission denied"}}`},
		{`{"id":10,"subscribe":{"channel":"busy:1"}}`, `{"id":10,"error":{"code":100,"message":"internal server error","temporary":true}}`},
		{`{"id":11,"subscribe":{"channel":"c:2","type":1}}`, `{"id":11,"error":{"code":108,"message":"not available"}}`},
		{`{"id":12,"subscribe":{"channel":"c:2","recover":true,"epoch":"x","offset":3}}`, `{"id":12,"subscribe":{"was_recovering":true}}`},
		{`{"id":13,"subscribe":{"channel":"c:3"}}`, `{"id":13,"error":{"code":106,"message":"limit exceeded"}}`},
		{`{"id":14,"unsubscribe":{"channel":"msg:7"}}`, `{"id":14,"unsubscribe":{}}`},
		{`{"id":15,"unsubscribe":{"channel":"never"}}`, `{"id":15,"unsubscribe":{}}`},
		{`{"id":16,"subscribe":{"channel":"c:3","recover":true,"epoch":"x","flag":2}}`, `{"id":16,"error":{"code":112,"message":"unrecoverable position"}}`},
		{`{"id":17,"subscribe":{"channel":"c:3","flag":3}}`, `{"id":17,"subscribe":{}}`},
		{`{"id":18,"publish":{"channel":"c:read","data":1}}`, `{"id":18,"error":{"code":103,"message":"permission denied"}}`},
		{`{"id":19,"publish":{"channel":"alias:1","data":1}}`, `{"id":19,"error":{"code":103,"message":"permission denied"}}`},
		{`{"id":20,"publish":{"channel":"msg:7","data":1}}`, `{"id":20,"error":{"code":103,"message":"permission denied"}}`},
		{`{"id":21,"publish":{"channel":"nope","data":1}}`, `{"id":21,"error":{"code":102,"message":"unknown channel"}}`},
		{`{"id":22,"publish":{"channel":"c:4"}}`, `{"id":22,"error":{"code":107,"message":"bad request"}}`},
		{`{"id":23,"publish":{"channel":"c:lost","data":1}}`, `{"id":23,"error":{"code":100,"message":"internal server error","temporary":true}}`},
		{`{"id":24,"publish":{"channel":"c:4","data":{"a":1}}}`, `{"id":24,"publish":{}}`},
		{`{"id":25,"rpc":{"method":"x"}}`, `{"id":25,"error":{"code":108,"message":"not available"}}`},
		{`{"id":26,"presence":{"channel":"c:1"}}`, `{"id":26,"error":{"code":108,"message":"not available"}}`},
		{`{"id":27,"presence_stats":{"channel":"c:1"}}`, `{"id":27,"error":{"code":108,"message":"not available"}}`},
		{`{"id":28,"history":{"channel":"c:1"}}`, `{"id":28,"error":{"code":108,"message":"not available"}}`},
		{`{"id":29,"sub_refresh":{"channel":"c:1","token":"x"}}`, `{"id":29,"error":{"code":108,"message":"not available"}}`},
		{`{"id":30,"ping":{}}`, `{"id":30,"error":{"code":104,"message":"method not found"}}`},
		{`{"id":31,"subscribe":{"channel":"` + strings.Repeat("界", 200) + `"}}`, `{"id":31,"error":{"code":102,"message":"unknown channel"}}`},
	} {
		p.send(c.send)
		p.expect(c.want)
	}
	p.publish("c:1", `{"t":1}`)
	p.expect(`{"push":{"channel":"c:1","pub":{"data":{"t":1}}}}`)
}

// What breaks the protocol ends the socket, with a push that the clients know to be final.
func TestViolations(t *testing.T) {
	t.Parallel()
	for send, reason := range map[string]string{
		`{"id":1,"subscribe":{"channel":"c:1"}}`: "the first command must be connect",
		`{"connect":{}}`:                         "a command needs an id",
		`{"id":1}`:                               "the first command must be connect",
		`{"id":1,"connect":{}`:                   "malformed command",
		`hello`:                                  "malformed command",
		``:                                       "malformed command",
		`{"id":-1,"connect":{}}`:                 "malformed command",
		`{"id":1,"connect":[]}`:                  "malformed command",
		`{"id":1,"id":2,"connect":{}}`:           "malformed command",
		`{"send":{"data":1}}`:                    "the first command must be connect",
	} {
		t.Run(send, func(t *testing.T) {
			t.Parallel()
			p := open(t, Options{})
			p.send(send)
			p.expect(fmt.Sprintf(`{"push":{"disconnect":{"code":3501,"reason":"%s"}}}`, reason))
			p.expectClose(1008, reason)
		})
	}
	t.Run("another token", func(t *testing.T) {
		t.Parallel()
		p := open(t, Options{})
		p.send(`{"id":1,"connect":{"token":"other"}}`)
		p.expect(`{"id":1,"error":{"code":107,"message":"bad request"}}`,
			`{"push":{"disconnect":{"code":3501,"reason":"the token is malformed, or there are two"}}}`)
		p.expectClose(1008, "the token is malformed, or there are two")
	})
	t.Run("binary", func(t *testing.T) {
		t.Parallel()
		p := open(t, Options{})
		if err := p.WriteMessage(websocket.BinaryMessage, []byte(`{"id":1,"connect":{}}`)); err != nil {
			t.Fatal(err)
		}
		p.expect(`{"push":{"disconnect":{"code":3501,"reason":"JSON comes in text frames, and Protobuf in binary ones"}}}`)
		p.expectClose(1008, "JSON comes in text frames, and Protobuf in binary ones")
	})
	t.Run("send", func(t *testing.T) {
		t.Parallel()
		p := connected(t, Options{})
		p.send(`{"send":{"data":1}}`)
		p.expect(`{"push":{"disconnect":{"code":3508,"reason":"send is not available"}}}`)
		p.expectClose(1008, "send is not available")
	})
}

// Commands of one frame are answered in one, and the answer to a subscribe comes
// before the channel's messages.
func TestBatch(t *testing.T) {
	t.Parallel()
	p := open(t, Options{})
	p.send(`{"id":1,"connect":{}}`, `{"id":2,"subscribe":{"channel":"c:1"}}`, `{"id":3,"subscribe":{"channel":"nope"}}`, `{}`, `{"id":4,"unsubscribe":{"channel":"c:1"}}`, "")
	first := strings.Split(p.next(), "\n")
	if len(first) != 2 || !strings.HasPrefix(first[0], `{"id":1,"connect":`) || first[1] != `{"id":2,"subscribe":{}}` {
		t.Fatalf("got %q", first)
	}
	p.expect(`{"id":3,"error":{"code":102,"message":"unknown channel"}}` + "\n" + `{"id":4,"unsubscribe":{}}`)
	p.publish("c:1", "nobody's")
	p.send(`{"id":5,"publish":{"channel":"c:9","data":1}}`, `{"id":6,"presence":{"channel":"c:1"}}`)
	p.expect(`{"id":5,"publish":{}}` + "\n" + `{"id":6,"error":{"code":108,"message":"not available"}}`)
}

// One Redis channel by two names is two channels to the client.
func TestTwoNamesOfOneChannel(t *testing.T) {
	t.Parallel()
	p := connected(t, Options{})
	p.send(`{"id":2,"subscribe":{"channel":"c:1"}}`)
	p.expect(`{"id":2,"subscribe":{}}`)
	p.send(`{"id":3,"subscribe":{"channel":"alias:1"}}`)
	p.expect(`{"id":3,"subscribe":{}}`)
	p.publish("c:1", "x")
	got := map[string]bool{}
	for len(got) < 2 {
		got[p.next()] = true
	}
	if !got[`{"push":{"channel":"c:1","pub":{"data":"x"}}}`] || !got[`{"push":{"channel":"alias:1","pub":{"data":"x"}}}`] {
		t.Errorf("got %v", got)
	}
	p.send(`{"id":4,"unsubscribe":{"channel":"c:1"}}`)
	p.expect(`{"id":4,"unsubscribe":{}}`)
	p.publish("c:1", "y")
	p.expect(`{"push":{"channel":"alias:1","pub":{"data":"y"}}}`)
}

// Nothing is subscribed before Redis has it; where it has not in time, the client is
// asked to try again.
func TestSubscribeAwaitsRedis(t *testing.T) {
	t.Parallel()
	live := make(chan error)
	p := openWith(t, Options{}, live)
	p.connect()
	p.send(`{"id":2,"subscribe":{"channel":"c:1"}}`)
	live <- nil
	p.expect(`{"id":2,"subscribe":{}}`)
	p.send(`{"id":3,"subscribe":{"channel":"c:2"}}`)
	live <- errors.New("not in time")
	p.expect(`{"id":3,"error":{"code":100,"message":"internal server error","temporary":true}}`)
	p.publish("c:2", "nobody's")
	p.publish("c:1", "x")
	p.expect(`{"push":{"channel":"c:1","pub":{"data":"x"}}}`)
}

func TestRate(t *testing.T) {
	t.Parallel()
	p := connected(t, Options{Commands: 1, Channels: 1})
	p.send(`{"id":2,"presence":{"channel":"c:1"}}`)
	p.expect(`{"id":2,"error":{"code":108,"message":"not available"}}`)
	p.send(`{"id":3,"presence":{"channel":"c:1"}}`)
	p.expect(`{"id":3,"error":{"code":111,"message":"too many requests","temporary":true}}`)
	p.send(`{"id":4,"unsubscribe":{"channel":"c:1"}}`) // would have the client reconnect
	p.expect(`{"id":4,"unsubscribe":{}}`)
	p.send(strings.TrimSuffix(strings.Repeat("{}\n", 20), "\n"))
	p.expect(`{"push":{"disconnect":{"code":3501,"reason":"too many commands"}}}`)
	p.expectClose(1008, "too many commands")
}

func TestPing(t *testing.T) {
	t.Parallel()
	p := connected(t, Options{Ping: 200 * time.Millisecond})
	for range 3 {
		p.expect("{}")
		p.send("{}")
	}
	for {
		_, got, err := p.ReadMessage() // and no pong from here on
		if err == nil && string(got) == "{}" {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "1001") && !strings.Contains(err.Error(), "1006") {
			t.Fatalf("got %q, %v", got, err)
		}
		return
	}
}

func TestMessageAndClose(t *testing.T) {
	t.Parallel()
	p := open(t, Options{}) // told before it is connected, too
	p.socket.Close(wire.CloseDisplaced, "", JSON.Message("loginOut"), JSON.Message(`{"reason":"displaced"}`))
	p.expect(`{"push":{"message":{"data":"loginOut"}}}`, `{"push":{"message":{"data":{"reason":"displaced"}}}}`)
	p.expectClose(4501, "displaced by a newer login")
}

// A gap ends the subscriptions in which something may be missing, and the client asks
// again.
func TestGap(t *testing.T) {
	t.Parallel()
	p := connected(t, Options{Channels: 2})
	p.send(`{"id":2,"subscribe":{"channel":"c:1"}}`, `{"id":3,"subscribe":{"channel":"c:2"}}`)
	p.expect(`{"id":2,"subscribe":{}}`, `{"id":3,"subscribe":{}}`)
	p.h.Broadcast("c:1", []byte("before"))
	p.h.Gap([]string{"c:1"})
	p.h.Broadcast("c:1", []byte("nobody's"))
	p.h.Flush()
	p.expect(`{"push":{"channel":"c:1","pub":{"data":"before"}}}`,
		`{"push":{"channel":"c:1","unsubscribe":{"code":2500,"reason":"insufficient state"}}}`)
	p.send(`{"id":4,"subscribe":{"channel":"c:1"}}`)
	p.expect(`{"id":4,"subscribe":{}}`)
	p.publish("c:1", "after")
	p.publish("c:2", "other")
	p.expect(`{"push":{"channel":"c:1","pub":{"data":"after"}}}`, `{"push":{"channel":"c:2","pub":{"data":"other"}}}`)
}
