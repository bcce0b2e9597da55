package wire

import (
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// wrapped is a middleware's writer: it hides Hijack, and notes the status.
type wrapped struct {
	http.ResponseWriter
	status int
}

func (w *wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }
func (w *wrapped) WriteHeader(s int)           { w.status = s; w.ResponseWriter.WriteHeader(s) }

// recorder is a Sink that only remembers.
type recorder struct {
	nc     net.Conn
	frames chan []byte
	closes chan CloseCode
}

func (*recorder) Seen()           {}
func (*recorder) Pong(byte)       {}
func (r *recorder) Send(f []byte) { r.frames <- append([]byte(nil), f...) }
func (r *recorder) Close(c CloseCode, reason string, _ ...[]byte) {
	r.closes <- c
	r.nc.Write(AppendClose(nil, c, reason)) //nolint:errcheck // the client tells
}

// served is a server whose sockets are read by Conn, what they read, and how it
// ended.
type served struct {
	*httptest.Server
	conns    chan *Conn
	messages chan string
	ends     chan error
	sink     *recorder
	statuses chan int
	refused  chan error
}

func serve(t testing.TB, o UpgradeOptions) *served {
	s := &served{
		conns: make(chan *Conn, 1), messages: make(chan string, 100), ends: make(chan error, 1),
		statuses: make(chan int, 10), refused: make(chan error, 10),
		sink: &recorder{frames: make(chan []byte, 1000), closes: make(chan CloseCode, 10)},
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ww := &wrapped{ResponseWriter: w}
		c, err := Upgrade(&wrapped{ResponseWriter: ww}, r, o)
		s.statuses <- ww.status
		if err != nil {
			s.refused <- err
			if he, ok := errors.AsType[*HandshakeError](err); ok {
				maps.Copy(w.Header(), he.Header)
				http.Error(w, he.Message, he.Status)
			}
			return
		}
		s.sink.nc = c.NetConn()
		c.SetSink(s.sink)
		go func() {
			defer c.NetConn().Close()
			for {
				op, p, err := c.ReadMessage()
				if err != nil {
					s.ends <- err
					if _, ok := ClientClose(err); !ok {
						c.Linger()
					}
					return
				}
				s.messages <- string('0'+rune(op)) + string(p)
			}
		}()
	}))
	t.Cleanup(s.Server.Close)
	return s
}

func (s *served) url() string { return "ws" + strings.TrimPrefix(s.URL, "http") }

func (s *served) dial(t testing.TB, h http.Header) (*websocket.Conn, *http.Response) {
	t.Helper()
	c, resp, err := websocket.DefaultDialer.Dial(s.url(), h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // a test
	return c, resp
}

func wait[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	s := serve(t, UpgradeOptions{Subprotocol: "wsgate", Header: http.Header{"Set-Cookie": {"a=1", "b=2"}}})
	c, resp := s.dial(t, http.Header{"Sec-Websocket-Protocol": {"wsgate, token.x"}})
	if got := wait(t, s.statuses); got != 101 {
		t.Errorf("the chain saw status %d", got)
	}
	if c.Subprotocol() != "wsgate" || len(resp.Cookies()) != 2 {
		t.Errorf("subprotocol %q, cookies %v", c.Subprotocol(), resp.Cookies())
	}
	if resp.Header.Get("Sec-Websocket-Extensions") != "" {
		t.Error("an extension was negotiated")
	}
	long := strings.Repeat("x", 5000)
	for _, m := range []string{"msg:1", "", long} {
		c.WriteMessage(websocket.TextMessage, []byte(m)) //nolint:errcheck // the server tells
		if got := wait(t, s.messages); got != "1"+m {
			t.Errorf("%.20q arrived as %.20q", m, got)
		}
	}
	c.WriteMessage(websocket.BinaryMessage, []byte{0xff}) //nolint:errcheck // as above
	if got := wait(t, s.messages); got != "2\xff" {
		t.Errorf("binary arrived as %q", got)
	}
}

const handshakeHead = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// The key and its answer are RFC 6455 section 1.3's.
func TestAcceptKey(t *testing.T) {
	t.Parallel()
	if got := acceptKey("dGhlIHNhbXBsZSBub25jZQ=="); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("got %q", got)
	}
}

// A client may send as soon as it has the 101, before the server has the
// connection. Sending with the handshake makes that certain.
func TestEarlyFramesAreRead(t *testing.T) {
	t.Parallel()
	s := serve(t, UpgradeOptions{})
	nc, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	frame := []byte{0x81, 0x85, 0, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'}
	nc.Write(append([]byte(handshakeHead+"\r\n"), append(frame, frame...)...)) //nolint:errcheck // the server tells
	for range 2 {
		if got := wait(t, s.messages); got != "1hello" {
			t.Errorf("got %q", got)
		}
	}
}

func TestRefusedHandshakes(t *testing.T) {
	t.Parallel()
	replace := func(old, new string) string { return strings.Replace(handshakeHead, old, new, 1) + "\r\n" }
	for name, c := range map[string]struct {
		request string
		status  int
	}{
		"plain request":   {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426},
		"other protocol":  {replace("Upgrade: websocket", "Upgrade: h2c"), 426},
		"no connection":   {replace("Connection: Upgrade", "Connection: keep-alive"), 400},
		"old version":     {replace("Version: 13", "Version: 8"), 426},
		"no version":      {replace("Sec-WebSocket-Version: 13\r\n", ""), 426},
		"no key":          {replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), 400},
		"short key":       {replace("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="), 400},
		"two keys":        {replace("Host: x\r\n", "Host: x\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), 400},
		"post":            {replace("GET", "POST"), 405},
		"HTTP/1.0":        {replace("HTTP/1.1", "HTTP/1.0"), 400},
		"body":            {replace("Host: x\r\n", "Host: x\r\nContent-Length: 3\r\n") + "abc", 400},
		"chunked body":    {replace("Host: x\r\n", "Host: x\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400},
		"several, in any": {strings.Replace(replace("Connection: Upgrade", "Connection: keep-alive, uPgRaDe"), "Upgrade: websocket", "Upgrade: h2c, WebSocket", 1), 101},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, UpgradeOptions{})
			nc, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			io.WriteString(nc, c.request)                        //nolint:errcheck // the answer tells
			nc.SetReadDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // a test
			b := make([]byte, 4096)
			n, err := nc.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			head := string(b[:n])
			if want := http.StatusText(c.status); !strings.Contains(head[:40], want) {
				t.Errorf("answered %.40q, want %d %s", head, c.status, want)
			}
			if c.status == 426 && (!strings.Contains(head, "Sec-Websocket-Version: 13") || !strings.Contains(head, "Upgrade: websocket")) {
				t.Errorf("426 without what to do instead: %q", head)
			}
			if c.status != 101 && wait(t, s.statuses) != 0 {
				t.Error("something was written before the refusal")
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	good.Header = http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
	if err := Check(good); err != nil || !IsUpgrade(good) {
		t.Errorf("a good handshake: %v", err)
	}
	h2 := good.Clone(t.Context())
	h2.ProtoMajor, h2.Proto = 2, "HTTP/2.0"
	var he *HandshakeError
	if err := Check(h2); !errors.As(err, &he) || he.Status != 501 {
		t.Errorf("over h2: %v", err)
	}
	bad := good.Clone(t.Context())
	bad.Header.Del("Sec-Websocket-Key")
	if err := Check(bad); !errors.As(err, &he) || he.Status != 400 || strings.Contains(err.Error(), "websocket: ") {
		t.Errorf("without a key: %v", err)
	}
	// No Hijacker under it, as over h2 with a lying proto.
	rec := httptest.NewRecorder()
	if _, err := Upgrade(rec, good, UpgradeOptions{}); !errors.As(err, &he) || he.Status != 501 || len(rec.Header()) != 0 {
		t.Errorf("without a hijacker: %v, headers %v", err, rec.Header())
	}
}

// Upgrade runs with the connection's own costs; the interesting figure is
// allocations.
func BenchmarkUpgrade(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := Upgrade(w, r, UpgradeOptions{})
		if err != nil {
			b.Error(err)
			return
		}
		c.NetConn().Close()
	}))
	defer s.Close()
	buf := make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		nc, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		io.WriteString(nc, handshakeHead+"\r\n") //nolint:errcheck // the answer tells
		if _, err := nc.Read(buf); err != nil {
			b.Fatal(err)
		}
		nc.Close()
	}
}
