package centrifuge

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/centrifugal/protocol"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

// What is taken for JSON is what encoding/json takes for it, if it is UTF-8; and all
// else becomes JSON.
func FuzzData(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e+3,true,null,"\u00e9\n"]}`, `"\ud800"`, "01", "1.", `{"a":1,}`, "\xff", "loginOut", "[[[[", " \n1\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		got := appendData(nil, payload)
		if !utf8.Valid(got) || !json.Valid(got) {
			t.Fatalf("%q became %q", payload, got)
		}
		asItIs := json.Valid(payload) && utf8.Valid(payload)
		if verbatim := len(got) == len(payload); asItIs != verbatim && (asItIs || got[0] != '"') {
			t.Fatalf("%q became %q", payload, got)
		}
	})
}

// sunk is a connection that keeps what is written to it.
type sunk struct {
	net.Conn
	mu  sync.Mutex
	got []byte
	end chan struct{}
}

func (c *sunk) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, p...)
	return len(p), nil
}

func (c *sunk) Close() error {
	close(c.end)
	return nil
}

// Whatever a client sends, it gets whole text frames, each line of them a reply, and at
// most one close frame behind them.
func FuzzCommands(f *testing.F) {
	for _, s := range []string{
		`{"id":1,"connect":{"token":"t","name":"js","headers":{"a":"b"},"subs":{"x":{"recover":true,"offset":3}}}}`,
		"{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"h:1\",\"recover\":true,\"epoch\":\"e\",\"flag\":3}}\n{\"id\":3,\"unsubscribe\":{\"channel\":\"h:1\"}}",
		"{\"id\":1,\"connect\":{}}\n{\"id\":2,\"publish\":{\"channel\":\"c:1\",\"data\":{\"a\":[1]}}}\n{}\n{\"send\":{\"data\":1}}",
		"{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"h:1\"}}\n{\"id\":3,\"history\":{\"channel\":\"h:1\",\"limit\":-1,\"since\":{\"offset\":18446744073709551615}}}",
		"{\"id\":1,\"connect\":{}}\n{\"id\":2,\"rpc\":{}}\n{\"id\":3,\"refresh\":{\"token\":\"x\"}}\n{\"id\":4,\"sub_refresh\":{\"channel\":\"x\"}}\n{\"id\":5,\"presence\":{}}\n{\"id\":6,\"ping\":{}}",
		"{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"\\u0000\\ud800\",\"tf\":{}}}", "\n\n", "{}", "[", "{\"id\":4294967296}",
	} {
		f.Add([]byte(s))
	}
	fuzzCommands(f, JSON)
}

// The same in Protobuf, whose texts need not be UTF-8.
func FuzzProtobufCommands(f *testing.F) {
	for _, commands := range [][]*protocol.Command{
		{{Id: 1, Connect: &protocol.ConnectRequest{Token: "t"}}, {Id: 2, Subscribe: &protocol.SubscribeRequest{Channel: "h:1", Recover: true, Flag: 3}}},
		{{Id: 1, Connect: &protocol.ConnectRequest{}}, {Id: 2, Publish: &protocol.PublishRequest{Channel: "c:1", Data: []byte("\xff")}}, {}},
		{{Id: 1, Connect: &protocol.ConnectRequest{}}, {Id: 2, Subscribe: &protocol.SubscribeRequest{Channel: "msg:7"}}, {Id: 3, History: &protocol.HistoryRequest{Channel: "msg:7", Limit: -1}}},
	} {
		var frame []byte
		for _, c := range commands {
			b, err := c.MarshalCF()
			if err != nil {
				f.Fatal(err)
			}
			frame = append(binary.AppendUvarint(frame, uint64(len(b))), b...)
		}
		f.Add(frame)
	}
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	fuzzCommands(f, Protobuf)
}

func fuzzCommands(f *testing.F, format Format) {
	rules, err := channel.Compile(&channel.Account{Pattern: "msg:{account}"}, []channel.Config{
		{Pattern: "h:{id}", History: &channel.History{Messages: 3, For: conf.Duration(time.Hour)}}, {Pattern: "c:{id}", Publish: &channel.Publish{}},
	}, "wsgate:", channel.Options{})
	if err != nil {
		f.Fatal(err)
	}
	h := hub.New(hub.Options{Log: slog.New(slog.DiscardHandler)})
	f.Cleanup(h.Close)
	o := &Options{Rules: rules, Channels: 3, Commands: 50, Ping: time.Hour, Format: format}
	v := &Server{
		Context: f.Context(), Hub: h, Options: func() *Options { return o },
		Live: func(context.Context, string) error { return nil },
		Publish: func(_ context.Context, _ *hub.Socket, name string, p []byte) error {
			h.Broadcast(name, p)
			h.Flush()
			return nil
		},
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		if format == JSON && !utf8.Valid(frame) {
			return // closed before it gets here
		}
		conn := &sunk{end: make(chan struct{})}
		s := h.Attach(conn, hub.Meta{Framing: format.Framing(), Ping: time.Hour})
		l := &loop{server: v, format: format, socket: s, hub: h, client: Client{User: &channel.User{Subject: "7"}, Is: func(token.Token) bool { return true }}}
		l.Message(format.opcode(), frame)
		if n := l.own(); n > o.Channels || s.Channels() > n {
			t.Errorf("%d channels, %d in the hub", n, s.Channels())
		}
		s.Close(wire.CloseNormal, "") // what is queued goes out first
		l.End()
		<-conn.end
		for got := conn.got; len(got) > 0; {
			n := wire.FrameLen(got)
			if n == 0 {
				t.Fatalf("half a frame: %q", got)
			}
			head := 2 + map[byte]int{126: 2, 127: 8}[got[1]]
			switch text := got[head:n]; wire.Opcode(got[0] & 15) {
			case wire.OpBinary:
				replies(t, text)
			case wire.OpText:
				for line := range strings.SplitSeq(string(text), "\n") {
					if err := json.Unmarshal([]byte(line), new(protocol.Reply)); err != nil || !utf8.ValidString(line) {
						t.Fatalf("%q: %v", line, err)
					}
				}
			case wire.OpClose:
				if len(got) > n {
					t.Fatalf("%q after the close frame", got[n:])
				}
			default:
				t.Fatalf("%x", got[:n])
			}
			got = got[n:]
		}
	})
}
