package plain

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/wire"
)

// BenchmarkIdleSocket reports what an idle socket costs in all, over plain TCP
// with an own and a shared channel: its heap, after a collection, and the stack of
// its reader. The client's end is a bare connection of the same process; what such
// a pair costs without wsgate is taken off.
func BenchmarkIdleSocket(b *testing.B) {
	const n = 2000
	for b.Loop() {
		h := hub.New(hub.Options{Log: slog.New(slog.DiscardHandler)})
		o := &Options{Rules: rules{}, Errors: true}
		poller := wire.NewPoller(slog.New(slog.DiscardHandler))
		v := &Server{Context: b.Context(), Hub: h, Options: func() *Options { return o }}
		var readers sync.WaitGroup
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := wire.Upgrade(w, r, wire.UpgradeOptions{Poller: poller})
			if err != nil {
				b.Error(err)
				return
			}
			s := h.Attach(c.NetConn(), hub.Meta{Reader: c})
			c.SetSink(s)
			readers.Add(1)
			v.Serve(c, s, &channel.User{Subject: "7"}, readers.Done)
		}))
		addr := srv.Listener.Addr().String()
		pair := pairMemory(b, n)
		before := memory()
		conns := make([]net.Conn, n)
		for i := range conns {
			conns[i] = dialIdle(b, addr, i)
		}
		b.ReportMetric(float64(memory()-before-pair)/n, "B/socket")
		for _, c := range conns {
			c.Close()
		}
		h.Close()
		readers.Wait()
		poller.Close()
		srv.Close()
	}
}

// dialIdle opens a socket with two channels and sees that both are in force.
func dialIdle(b *testing.B, addr string, i int) net.Conn {
	b.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+ //nolint:errcheck // the answer tells
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	r := bufio.NewReaderSize(c, 1024)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		b.Fatalf("%v, %v", resp, err)
	}
	c.Write(frames(fmt.Sprint("data_imei:", i), "data_imei:all", "?")) //nolint:errcheck // as above
	if _, err := r.ReadByte(); err != nil {                            // the refusal of the last one
		b.Fatal(err)
	}
	return c
}

// pairMemory is what n pairs of connections cost by themselves.
func pairMemory(b *testing.B, n int) uint64 {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	before := memory()
	conns := make([]net.Conn, 0, 2*n)
	for range n {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			b.Fatal(err)
		}
		conns = append(conns, c, s)
	}
	cost := memory() - before
	for _, c := range conns {
		c.Close()
	}
	return cost
}

func memory() uint64 {
	runtime.GC()
	runtime.GC() // pools are given up by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
