package plain

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/wire"
)

var (
	pong = []byte{0x8A, 0x80, 1, 2, 3, 4}
	ping = []byte{0x89, 0x82, 1, 2, 3, 4, 'h' ^ 1, 'i' ^ 2}
)

// Idle sockets have no goroutine; they hear what comes, and all end with the hub. Not
// parallel, for it counts the process' goroutines.
func TestIdleSocketsNeedNoGoroutine(t *testing.T) {
	const n = 300
	log := slog.New(slog.DiscardHandler)
	poller := wire.NewPoller(log)
	defer poller.Close()
	h := hub.New(hub.Options{Log: log})
	v := &Server{Context: t.Context(), Hub: h, Options: func() *Options { return &Options{Rules: rules{}, Heartbeat: "ping", Reply: wire.TextFrame("pong")} }}
	var ended atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := wire.Upgrade(w, r, wire.UpgradeOptions{Poller: poller})
		if err != nil {
			t.Error(err)
			return
		}
		s := h.Attach(c.NetConn(), hub.Meta{Reader: c})
		c.SetSink(s)
		v.Serve(c, s, &channel.User{Subject: "7"}, func() { ended.Add(1) })
	}))
	defer srv.Close()
	before := runtime.NumGoroutine()
	conns := make([]*websocket.Conn, n)
	for i := range conns {
		c, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(srv.URL, "http"), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()                                                               //nolint:errcheck // a test
		c.SetReadDeadline(time.Now().Add(20 * time.Second))                           //nolint:errcheck // a test
		c.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, "data_imei:%d", i%10)) //nolint:errcheck // the answer tells
		conns[i] = c
	}
	for round := range 3 {
		for _, c := range conns {
			// Two messages at once, of which the second is read with the first.
			two := frames("ping", "ping")
			if _, err := c.NetConn().Write(two); err != nil {
				t.Fatal(err)
			}
		}
		for i, c := range conns {
			for range 2 {
				if _, p, err := c.ReadMessage(); err != nil || string(p) != "pong" {
					t.Fatalf("round %d, socket %d: %q, %v", round, i, p, err)
				}
			}
		}
	}
	// Control frames need none either: what a browser sends of itself, what other clients
	// do, and a command that comes with one.
	for _, c := range conns {
		c.NetConn().Write(pong) //nolint:errcheck // the answer tells
	}
	for i, c := range conns {
		c.SetPongHandler(func(data string) error {
			c.WriteMessage(websocket.TextMessage, []byte("ping")) //nolint:errcheck // the answer tells
			if data != "hi" {
				t.Errorf("socket %d: a ping was answered with %q", i, data)
			}
			return nil
		})
		c.NetConn().Write(append(slices.Clone(pong), ping...)) //nolint:errcheck // the answer tells
		if _, p, err := c.ReadMessage(); err != nil || string(p) != "pong" {
			t.Fatalf("socket %d: %q, %v", i, p, err)
		}
		c.NetConn().Write(append(append(slices.Clone(pong), frames("ping")...), pong...)) //nolint:errcheck // the answer tells
		if _, p, err := c.ReadMessage(); err != nil || string(p) != "pong" {
			t.Fatalf("socket %d: %q, %v", i, p, err)
		}
	}
	for _, c := range conns {
		c.NetConn().Write(pong) //nolint:errcheck // the answer tells
	}
	proctest.Eventually(t, 10*time.Second, func() bool { return runtime.NumGoroutine() < before+n/10 }, "sockets keep goroutines")
	h.Broadcast("data_imei:3", []byte("hello"))
	h.Flush()
	if _, p, err := conns[13].ReadMessage(); err != nil || string(p) != "hello" {
		t.Errorf("a parked socket got %q, %v", p, err)
	}
	for _, c := range conns[:n/3] { // those that the client ends, with and without a word
		c.Close() //nolint:errcheck // a test
	}
	for _, c := range conns[n/3 : 2*n/3] {
		c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1000, "")) //nolint:errcheck // a test
	}
	proctest.Eventually(t, 10*time.Second, func() bool { return ended.Load() == 2*n/3 }, "sockets that the client ended")
	h.Close()
	proctest.Eventually(t, 10*time.Second, func() bool { return ended.Load() == n && h.Count() == 0 }, "all sockets end with the hub")
}
