package wire

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// streams are the kinds of connection that a stream may be on.
var streams = map[string]func(*httptest.Server){
	"HTTP/1.1":          (*httptest.Server).Start,
	"HTTP/1.1 over TLS": (*httptest.Server).StartTLS,
	"HTTP/2":            func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() },
}

// idling is a writer around the server's own that remembers the deadline without a lock,
// and looks at it before each part of a write, as Caddy's does for its idle time-out.
type idling struct {
	http.ResponseWriter
	deadline time.Time
}

func (w *idling) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *idling) Write(p []byte) (n int, err error) {
	for err == nil && n < len(p) && (w.deadline.IsZero() || time.Now().Before(w.deadline)) {
		var m int
		m, err = w.ResponseWriter.Write(p[n:min(len(p), n+4096)])
		n += m
	}
	return n, err
}

func (w *idling) SetWriteDeadline(t time.Time) error {
	w.deadline = t
	return http.NewResponseController(w.ResponseWriter).SetWriteDeadline(t)
}

// streaming is a server that hands its streams to the test.
type streaming struct {
	*httptest.Server
	conns    chan *Conn
	returned chan struct{}
	poller   *Poller
}

func stream(t *testing.T, start func(*httptest.Server)) *streaming {
	t.Helper()
	s := &streaming{conns: make(chan *Conn, 1), returned: make(chan struct{}, 1), poller: NewPoller(nil)}
	t.Cleanup(s.poller.Close)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { s.returned <- struct{}{} }()
		w.Header().Set("Content-Type", "text/event-stream")
		c := NewStream()
		err := c.Open(&idling{ResponseWriter: &wrapped{ResponseWriter: w}}, r, StreamOptions{
			First:  func(w io.Writer) error { _, err := io.WriteString(w, ":\n\n"); return err },
			Poller: s.poller, Silence: time.Minute,
		})
		if err != nil {
			t.Error(err)
			return
		}
		c.SetSink(&recorder{nc: c.NetConn()})
		s.conns <- c
		c.Wait()
	}))
	start(s.Server)
	t.Cleanup(s.Close)
	return s
}

func (s *streaming) open(ctx context.Context, t *testing.T) (*Conn, *http.Response) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return <-s.conns, res
}

// arrives reads what has to be there.
func arrives(t *testing.T, r io.Reader, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(r, b); err != nil || string(b) != want {
		t.Fatalf("got %q, %v; want %q", b, err, want)
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	for name, start := range streams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stream(t, start)
			c, res := s.open(t.Context(), t)
			h2 := strings.HasPrefix(name, "HTTP/2")
			if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || (res.ProtoMajor == 2) != h2 || c.Shared() != h2 {
				t.Errorf("%s %s %v", res.Status, res.Proto, res.Header)
			}
			if len(res.TransferEncoding) > 0 || !h2 && !res.Close {
				t.Errorf("transfer encoding %v, close %v", res.TransferEncoding, res.Close)
			}
			arrives(t, res.Body, ":\n\n")
			for _, m := range []string{"a", "bc"} { // each at once
				if _, err := c.NetConn().Write([]byte(m)); err != nil {
					t.Fatal(err)
				}
				arrives(t, res.Body, m)
			}
			if err := c.NetConn().Close(); err != nil {
				t.Error(err)
			}
			<-s.returned
			if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
				t.Errorf("the stream ended with %q, %v", rest, err)
			}
			if _, err := c.NetConn().Write([]byte("late")); err == nil {
				t.Error("written after the end")
			}
			_ = c.NetConn().Close() // again is harmless
		})
	}
}

// ends is a Listener that tells of the end.
type ends chan struct{}

func (ends) Closed() bool           { return false }
func (ends) Message(Opcode, []byte) {}
func (e ends) End()                 { close(e) }

func TestStreamTellsThatItsClientHasGone(t *testing.T) {
	t.Parallel()
	for name, start := range streams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stream(t, start)
			ctx, leave := context.WithCancel(t.Context())
			c, res := s.open(ctx, t)
			arrives(t, res.Body, ":\n\n")
			e := make(ends)
			new(Loop).Start(c, e, nil)
			leave()
			<-e
			_ = c.NetConn().Close()
			<-s.returned
		})
	}
}

// Closing ends a write that waits for a client that does not read.
func TestStreamClosesUnderAWrite(t *testing.T) {
	t.Parallel()
	for name, start := range streams {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stream(t, start)
			c, res := s.open(t.Context(), t)
			arrives(t, res.Body, ":\n\n")
			failed := make(chan error, 1)
			go func() {
				_, err := c.NetConn().Write(make([]byte, 64<<20)) // more than anything on the way takes
				failed <- err
			}()
			arrives(t, res.Body, "\x00")
			nc := c.NetConn()
			if under, ok := nc.(interface{ NetConn() net.Conn }); ok {
				nc = under.NetConn() // as the hub does: TLS would say good-bye first
			}
			_ = nc.Close()
			if err := <-failed; err == nil {
				t.Error("all was written")
			}
			<-s.returned
		})
	}
}

// What a client sends all the same, such as another request, is read and forgotten.
func TestStreamIgnoresWhatItsClientSends(t *testing.T) {
	t.Parallel()
	s := stream(t, (*httptest.Server).Start)
	client, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	c := <-s.conns
	e := make(ends)
	new(Loop).Start(c, e, nil)
	for range 100 {
		if _, err := client.Write([]byte(strings.Repeat("\x89\x80....", 100))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.NetConn().Write([]byte("still here")); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for b := make([]byte, 512); !strings.HasSuffix(got.String(), "still here"); {
		n, err := client.Read(b)
		if err != nil {
			t.Fatalf("after %q: %v", got.String(), err)
		}
		got.Write(b[:n])
	}
	select {
	case <-e:
		t.Error("the stream ended")
	default:
	}
	_ = client.Close()
	<-e
	_ = c.NetConn().Close()
}
