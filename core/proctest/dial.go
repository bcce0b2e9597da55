package proctest

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// patience is how long a client waits for what it expects.
const patience = 15 * time.Second

// DialOption changes a client's handshake.
type DialOption func(*websocket.Dialer, http.Header)

// WithHeader sets a request header.
func WithHeader(name, value string) DialOption {
	return func(_ *websocket.Dialer, h http.Header) { h.Set(name, value) }
}

// WithSubprotocols offers subprotocols.
func WithSubprotocols(names ...string) DialOption {
	return func(d *websocket.Dialer, _ http.Header) { d.Subprotocols = names }
}

// WithDialer lets the test change the dialer itself, such as its TLS configuration.
func WithDialer(change func(*websocket.Dialer)) DialOption {
	return func(d *websocket.Dialer, _ http.Header) { change(d) }
}

// Client is a WebSocket client that knows what should come next.
type Client struct {
	// Conn is for what the methods don't do. Only the helper reads from it.
	Conn *websocket.Conn
	// Response is the answer to the handshake.
	Response *http.Response

	tb     testing.TB
	frames chan received
	ended  chan struct{}
}

// received is a message, or the end with its error.
type received struct {
	kind int
	data []byte
	err  error
}

// backlog is how many messages may wait for the test; a client whose backlog is full
// no longer reads, and is a slow consumer.
const backlog = 4096

// Dial opens a socket; http and https URLs are ws and wss ones. A refusal fails the
// test. The socket is closed at cleanup.
func Dial(tb testing.TB, url string, opts ...DialOption) *Client {
	tb.Helper()
	conn, res, err := dial(url, opts)
	if err != nil {
		status := "no answer"
		if res != nil {
			status = res.Status
		}
		tb.Fatalf("proctest: dial: %v (%s)", err, status)
	}
	c := &Client{Conn: conn, Response: res, tb: tb, frames: make(chan received, backlog), ended: make(chan struct{})}
	go c.read()
	tb.Cleanup(c.Close)
	return c
}

// Refused opens a socket that must be refused before the upgrade, and returns the
// answer; its body is at most 1 KiB.
func Refused(tb testing.TB, url string, opts ...DialOption) *http.Response {
	tb.Helper()
	conn, res, err := dial(url, opts)
	if err == nil {
		_ = conn.Close()
		tb.Fatal("proctest: the handshake was accepted")
	}
	if !errors.Is(err, websocket.ErrBadHandshake) {
		tb.Fatalf("proctest: dial: %v", err)
	}
	return res
}

func dial(url string, opts []DialOption) (*websocket.Conn, *http.Response, error) {
	if rest, ok := strings.CutPrefix(url, "http"); ok {
		url = "ws" + rest
	}
	d := &websocket.Dialer{HandshakeTimeout: patience}
	h := http.Header{}
	for _, o := range opts {
		o(d, h)
	}
	return d.Dial(url, h)
}

func (c *Client) read() {
	defer close(c.ended)
	for {
		kind, data, err := c.Conn.ReadMessage()
		c.frames <- received{kind, data, err}
		if err != nil {
			return
		}
	}
}

// Close drops the connection without a closing handshake, and waits for the reading
// goroutine.
func (c *Client) Close() {
	_ = c.Conn.Close()
	for {
		select {
		case <-c.ended:
			return
		case <-c.frames:
		}
	}
}

// Send sends a text message.
func (c *Client) Send(text string) {
	c.tb.Helper()
	if err := c.Conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.tb.Fatalf("proctest: send %.80q: %v", text, err)
	}
}

// SendClose begins a closing handshake.
func (c *Client) SendClose(code int, reason string) {
	c.tb.Helper()
	msg := websocket.FormatCloseMessage(code, reason)
	if err := c.Conn.WriteControl(websocket.CloseMessage, msg, time.Now().Add(patience)); err != nil {
		c.tb.Fatalf("proctest: send close: %v", err)
	}
}

// Next returns the next message.
func (c *Client) Next() string {
	c.tb.Helper()
	f := c.next("a message")
	if f.err != nil {
		c.tb.Fatalf("proctest: the socket ended instead: %v", f.err)
	}
	return string(f.data)
}

// Expect waits for one text message, which must be the next thing to arrive.
func (c *Client) Expect(text string) {
	c.tb.Helper()
	f := c.next(text)
	switch {
	case f.err != nil:
		c.tb.Fatalf("proctest: expected %.200q, the socket ended: %v", text, f.err)
	case f.kind != websocket.TextMessage || string(f.data) != text:
		c.tb.Fatalf("proctest: expected %.200q, got %.200q (type %d)", text, f.data, f.kind)
	}
}

// ExpectClose waits for a close with this code, which must be the next thing to arrive;
// 1006 stands for a connection that ends without a close frame. It returns the reason.
func (c *Client) ExpectClose(code int) (reason string) {
	c.tb.Helper()
	f := c.next("a close")
	if f.err == nil {
		c.tb.Fatalf("proctest: expected close %d, got the message %.200q", code, f.data)
	}
	got := websocket.CloseAbnormalClosure
	if ce, ok := errors.AsType[*websocket.CloseError](f.err); ok {
		got, reason = ce.Code, ce.Text
	}
	if got != code {
		c.tb.Fatalf("proctest: expected close %d, got %d (%v)", code, got, f.err)
	}
	return reason
}

// ExpectNothing waits d and fails the test if anything arrives.
func (c *Client) ExpectNothing(d time.Duration) {
	c.tb.Helper()
	select {
	case f := <-c.frames:
		if f.err != nil {
			c.tb.Fatalf("proctest: expected nothing, the socket ended: %v", f.err)
		}
		c.tb.Fatalf("proctest: expected nothing, got %.200q", f.data)
	case <-time.After(d):
	}
}

func (c *Client) next(what string) received {
	c.tb.Helper()
	select {
	case f := <-c.frames:
		return f
	case <-time.After(patience):
		c.tb.Fatalf("proctest: %.200q did not come within %v", what, patience)
		return received{}
	}
}
