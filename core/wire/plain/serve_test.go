package plain

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
	"github.com/wsgate/wsgate/core/wire"
)

// rules are a double: data_imei:<x> is a channel of that name, alias:<x> another
// word for it, msg:<subject> a watch.
type rules struct{}

func (rules) Match(command string, u channel.User) (channel.Match, error) {
	kind, id, ok := strings.Cut(command, ":")
	switch {
	case !ok:
		return channel.Match{}, fmt.Errorf("no %w", channel.ErrUnknown)
	case kind == "msg" && id == u.Subject:
		return channel.Match{Kind: channel.Watch, Command: command}, nil
	case kind == "msg":
		return channel.Match{}, channel.ErrForbidden
	case kind == "data_imei", kind == "alias":
		return channel.Match{Kind: channel.Subscribe, Command: command, Redis: "data_imei:" + id}, nil
	}
	return channel.Match{}, channel.ErrUnknown
}

func (rules) Authorize(_ context.Context, m channel.Match, _ channel.User) error {
	switch m.Redis {
	case "data_imei:secret":
		return channel.ErrForbidden
	case "data_imei:down":
		return errors.New("backend is down")
	case "data_imei:busy":
		return channel.ErrUnavailable
	}
	return nil
}

type page struct {
	*websocket.Conn
	t      *testing.T
	h      *hub.Hub
	socket *hub.Socket
	opts   atomic.Pointer[Options]
}

func open(t *testing.T, o Options) *page {
	t.Helper()
	poller := wire.NewPoller(slog.New(slog.DiscardHandler))
	t.Cleanup(poller.Close)
	p := &page{t: t, h: hub.New(hub.Options{Log: slog.New(slog.DiscardHandler)})}
	o.Rules = rules{}
	p.opts.Store(&o)
	attached, ended := make(chan *hub.Socket, 1), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := wire.Upgrade(w, r, wire.UpgradeOptions{Poller: poller})
		if err != nil {
			t.Error(err)
			return
		}
		sock := p.h.Attach(c.NetConn(), hub.Meta{Reader: c})
		c.SetSink(sock)
		attached <- sock
		v := &Server{Context: t.Context(), Hub: p.h, Options: p.opts.Load, Publish: p.publishing}
		v.Serve(c, sock, &channel.User{Subject: "7"}, func() { close(ended) })
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

func (p *page) send(commands ...string) {
	p.t.Helper()
	for _, c := range commands {
		if err := p.WriteMessage(websocket.TextMessage, []byte(c)); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *page) expect(want ...string) {
	p.t.Helper()
	for _, w := range want {
		_, got, err := p.ReadMessage()
		if err != nil || string(got) != w {
			p.t.Fatalf("got %q, %v; want %q", got, err, w)
		}
	}
}

// sync returns when every command before it was carried out: a refusal comes
// back last.
func (p *page) sync() {
	p.t.Helper()
	p.send("?")
	p.expect("error:unknown_command ?")
}

func (p *page) publish(ch, payload string) {
	p.h.Broadcast(ch, []byte(payload))
	p.h.Flush()
}

func TestCommands(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("界", 1400) // 4 KiB and more
	p := open(t, Options{Errors: true, Heartbeat: "ping", Reply: wire.TextFrame("pong")})
	for _, c := range []struct{ send, want string }{
		{"ping", "pong"},
		{"msg:8", "error:forbidden msg:8"},
		{"msg:undefined", "error:forbidden msg:undefined"},
		{"hello", "error:unknown_command hello"},
		{"", "error:unknown_command "},
		{"unsubscribe hello", "error:unknown_command unsubscribe hello"},
		{"unsubscribe", "error:unknown_command unsubscribe"},
		{"unsubscribe msg:8", "error:forbidden unsubscribe msg:8"},
		{"data_imei:secret", "error:forbidden data_imei:secret"},
		{"data_imei:down", "error:unavailable data_imei:down"},
		{"data_imei:busy", "error:unavailable data_imei:busy"},
		{long, "error:unknown_command " + long},
		{"msg:" + long[:1023], "error:forbidden msg:" + long[:1023]},
	} {
		p.send(c.send)
		p.expect(c.want)
	}
	if n := p.socket.Channels(); n != 0 {
		t.Errorf("refused commands led to %d channels", n)
	}
	// These are answered with nothing at all.
	p.send("msg:7", "msg:7", "data_imei:1", "data_imei:1", "unsubscribe data_imei:2", "unsubscribe msg:7")
	p.WriteMessage(websocket.BinaryMessage, []byte("data_imei:1\xff")) //nolint:errcheck // the answer tells
	p.expect("error:unknown_command data_imei:1\uFFFD")
	if n := p.socket.Channels(); n != 1 {
		t.Errorf("listens to %d channels, want 1", n)
	}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	p := open(t, Options{Errors: true})
	p.send("data_imei:1", "alias:1", "data_imei:2")
	p.sync()
	p.publish("data_imei:1", `{"a":1}`)
	p.publish("data_imei:2", "")
	p.publish("data_imei:3", "not asked for")
	p.publish("data_imei:1", "\xff\x00")
	p.expect(`{"a":1}`, "")
	if op, got, err := p.ReadMessage(); op != websocket.BinaryMessage || string(got) != "\xff\x00" {
		t.Errorf("got type %d %q, %v", op, got, err)
	}
	// Two commands lead to one channel: it ends with the second.
	p.send("unsubscribe data_imei:1")
	p.sync()
	p.publish("data_imei:1", "still")
	p.expect("still")
	p.send("unsubscribe alias:1", "unsubscribe alias:1")
	p.sync()
	p.publish("data_imei:1", "no more")
	p.publish("data_imei:2", "end")
	p.expect("end")
}

func TestErrorsOff(t *testing.T) {
	t.Parallel()
	p := open(t, Options{Heartbeat: "hi", Reply: wire.TextFrame("hi")})
	p.send("hello", "msg:8", "hi")
	p.expect("hi")
	p.opts.Store(&Options{Rules: rules{}, Errors: true}) // a reload
	p.send("hi")
	p.expect("error:unknown_command hi")
}

func TestTooManyChannels(t *testing.T) {
	t.Parallel()
	p := open(t, Options{Errors: true, Channels: 2})
	p.send("data_imei:1", "data_imei:2", "data_imei:1", "data_imei:3")
	p.expect("error:too_many_channels data_imei:3")
	p.send("unsubscribe data_imei:1", "data_imei:3", "data_imei:4")
	p.expect("error:too_many_channels data_imei:4")
}

func TestTooManyCommands(t *testing.T) {
	t.Parallel()
	p := open(t, Options{Errors: true, Commands: 5, Channels: 5})
	for range 70 {
		p.send("msg:7")
	}
	limited := 0
	for {
		_, got, err := p.ReadMessage()
		if err != nil {
			if !websocket.IsCloseError(err, 1008) {
				t.Errorf("ended with %v", err)
			}
			break
		}
		if string(got) != "error:rate_limited msg:7" {
			t.Fatalf("got %q", got)
		}
		limited++
	}
	if limited != 49 {
		t.Errorf("%d refusals, want ten seconds' worth less one", limited)
	}
}

// After a close nothing that the client sends has any effect.
func TestClosedSocketsListenNoMore(t *testing.T) {
	t.Parallel()
	p := open(t, Options{Errors: true, Heartbeat: "ping", Reply: wire.TextFrame("pong")})
	p.send("data_imei:1")
	p.sync()
	p.socket.Close(wire.CloseDisplaced, "displaced", wire.TextFrame("loginOut"))
	p.NetConn().Write(frames("ping", "data_imei:2", "nonsense")) //nolint:errcheck // the answer tells
	p.publish("data_imei:1", "late")
	p.expect("loginOut")
	if _, got, err := p.ReadMessage(); !websocket.IsCloseError(err, 4501) {
		t.Errorf("got %q, %v", got, err)
	}
}

// frames are a client's unmasked-by-zero text frames.
func frames(texts ...string) []byte {
	var b []byte
	for _, s := range texts {
		b = append(append(b, 0x81, 0x80|byte(len(s)), 0, 0, 0, 0), s...)
	}
	return b
}

// A client that breaks the protocol, and goes on sending, sees why it was closed.
func TestViolationIsTold(t *testing.T) {
	t.Parallel()
	p := open(t, Options{})
	p.NetConn().Write(append([]byte{0xF1, 0x80, 0, 0, 0, 0}, make([]byte, 200_000)...)) //nolint:errcheck // the answer tells
	if _, _, err := p.ReadMessage(); !websocket.IsCloseError(err, 1002) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkCommand(b *testing.B) {
	h := hub.New(hub.Options{})
	defer h.Close()
	l := loop{hub: h, user: &channel.User{Subject: "7"}}
	o := &Options{Rules: rules{}, Commands: 1e9}
	command := []byte("msg:7")
	b.ReportAllocs()
	for b.Loop() {
		l.command(b.Context(), o, wire.OpText, command)
	}
}
