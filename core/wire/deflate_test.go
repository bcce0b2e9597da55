package wire

import (
	"bufio"
	"bytes"
	"compress/flate"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestCompressionOffers(t *testing.T) {
	t.Parallel()
	const accepted = extensionAccepted
	for offer, want := range map[string]string{
		"":                   "",
		"permessage-deflate": accepted,
		"Permessage-Deflate; client_max_window_bits":                                              accepted,
		"permessage-deflate; client_max_window_bits=10; server_no_context_takeover":               accepted,
		"permessage-deflate; server_max_window_bits=15":                                           accepted,
		`permessage-deflate; server_max_window_bits="15"`:                                         accepted,
		"permessage-deflate; server_max_window_bits=10":                                           "",
		"permessage-deflate; server_max_window_bits=10, permessage-deflate":                       accepted,
		"permessage-deflate; server_max_window_bits":                                              "",
		"permessage-deflate; server_no_context_takeover=1":                                        "",
		"permessage-deflate; server_no_context_takeover; server_no_context_takeover":              "",
		"permessage-deflate; unheard_of":                                                          "",
		"permessage-deflate;":                                                                     accepted,
		"x-webkit-deflate-frame":                                                                  "",
		"x-other; a=b, permessage-deflate; client_no_context_takeover; client_max_window_bits=15": accepted,
	} {
		for _, on := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s %v", offer, on), func(t *testing.T) {
				t.Parallel()
				s := serve(t, UpgradeOptions{Compression: on})
				conn, err := net.Dial("tcp", s.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()                                 //nolint:errcheck // a test
				conn.SetDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // a test
				fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
					"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: %s\r\n\r\n", offer)
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
					t.Fatal(resp, err)
				}
				if got := resp.Header.Get("Sec-Websocket-Extensions"); on && got != want || !on && got != "" {
					t.Errorf("answered %q, want %q", got, want)
				}
				conn.Write(masked(0x81, "plain")) //nolint:errcheck // what comes tells
				if got := wait(t, s.messages); got != "1plain" {
					t.Errorf("got %q", got)
				}
			})
		}
	}
}

// compressing is a client that offers compression and uses it.
func compressing(t *testing.T, s *served) *websocket.Conn {
	t.Helper()
	d := websocket.Dialer{EnableCompression: true}
	c, _, err := d.Dial(s.url(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // a test
	return c
}

func TestCompressedMessages(t *testing.T) {
	t.Parallel()
	s := serve(t, UpgradeOptions{Compression: true})
	c := compressing(t, s)
	text := strings.Repeat(`{"temperature":21.5,"humidity":40}`, 100)
	c.WriteMessage(websocket.TextMessage, []byte(text)) //nolint:errcheck // what comes tells
	if got := wait(t, s.messages); got != "1"+text {
		t.Errorf("got %.100q…", got)
	}
	for _, want := range []struct {
		kind    int
		payload string
	}{
		{websocket.TextMessage, text},
		{websocket.TextMessage, "short"},
		{websocket.BinaryMessage, "\xff" + text},
		{websocket.TextMessage, ""},
	} {
		frame := AppendDeflated(nil, []byte(want.payload))
		if long := len(want.payload) > minDeflate; long != (frame[0]&rsv1Bit != 0) || long && len(frame) > len(want.payload)/4 {
			t.Errorf("frame of %d bytes for %d, first %x", len(frame), len(want.payload), frame[0])
		}
		if n := FrameLen(frame); n != len(frame) {
			t.Errorf("FrameLen is %d of %d", n, len(frame))
		}
		s.sink.nc.Write(frame) //nolint:errcheck // what comes tells
		kind, p, err := c.ReadMessage()
		if err != nil || kind != want.kind || string(p) != want.payload {
			t.Errorf("read %d %.50q %v, want %d %.50q", kind, p, err, want.kind, want.payload)
		}
	}
}

// What can't be made shorter goes as it is.
func TestIncompressible(t *testing.T) {
	t.Parallel()
	var p []byte
	for i := range 1000 {
		p = append(p, byte(i*i*7919>>3))
	}
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestCompression)
	w.Write(p) //nolint:errcheck // into memory
	w.Close()  //nolint:errcheck // as above
	random := out.Bytes()
	if frame := AppendDeflated(nil, random); frame[0]&rsv1Bit != 0 {
		t.Error("compressed what was compressed")
	}
}

// A small frame that inflates to a giant message is over the limit all the same.
func TestInflatedMessageOverTheLimit(t *testing.T) {
	t.Parallel()
	s := serve(t, UpgradeOptions{Compression: true, MessageSize: 64 << 10})
	c := compressing(t, s)
	c.WriteMessage(websocket.TextMessage, bytes.Repeat([]byte("x"), 32<<20)) //nolint:errcheck // the answer tells
	if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, int(CloseTooBig)) {
		t.Errorf("client saw %v, want close 1009", err)
	}
	if got := wait(t, s.sink.closes); got != CloseTooBig {
		t.Errorf("sink was told %v", got)
	}
}

func BenchmarkAppendDeflated(b *testing.B) {
	b.ReportAllocs()
	payload := []byte(strings.Repeat(`{"temperature":21.5,"humidity":40}`, 30))
	dst := make([]byte, 0, 4096)
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		dst = AppendDeflated(dst[:0], payload)
	}
}

func FuzzCompressionOffer(f *testing.F) {
	f.Add("permessage-deflate; client_max_window_bits, permessage-deflate; a=\"b\"")
	f.Fuzz(func(t *testing.T, offer string) {
		r := &http.Request{Header: http.Header{"Sec-Websocket-Extensions": {offer}}}
		if acceptsDeflate(r) && !strings.Contains(strings.ToLower(offer), extensionName) {
			t.Errorf("accepted %q", offer)
		}
	})
}

// What a client does wrong once compression is agreed on, and its close code.
func TestCompressedViolations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bytes []byte
		code  CloseCode
	}{
		"corrupt":         {masked(0xC1, "\xff\xff\xff\xff\xff"), CloseInvalidText},
		"breaks off":      {masked(0xC1, "\x4b\xcc\x00\x05"), CloseInvalidText},
		"not UTF-8":       {masked(0xC1, "\xfa\xff\x0f\x00"), CloseInvalidText},
		"compressed ping": {masked(0xC9, "x"), CloseProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, UpgradeOptions{Compression: true})
			cl := compressing(t, s)
			cl.NetConn().Write(c.bytes) //nolint:errcheck // the answer tells
			if _, _, err := cl.ReadMessage(); !websocket.IsCloseError(err, int(c.code)) {
				t.Errorf("client saw %v, want close %d", err, c.code)
			}
		})
	}
}
