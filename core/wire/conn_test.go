package wire

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// masked is a client's frame.
func masked(b0 byte, payload string) []byte {
	f := []byte{b0}
	switch n := len(payload); {
	case n <= 125:
		f = append(f, 0x80|byte(n))
	default:
		f = append(f, 0x80|126, byte(n>>8), byte(n))
	}
	return append(append(f, 0, 0, 0, 0), payload...)
}

// What a client does wrong, and the close code that it gets for it.
func TestViolations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bytes []byte
		code  CloseCode
	}{
		"text is not UTF-8":          {masked(0x81, "a\xff"), CloseInvalidText},
		"surrogate half":             {masked(0x81, "\xed\xa0\x80"), CloseInvalidText},
		"invalid over two fragments": {append(masked(0x01, "\xe7"), masked(0x80, "\x95x")...), CloseInvalidText},
		"too big":                    {masked(0x82, strings.Repeat("x", 1001)), CloseTooBig},
		"too big in fragments":       {append(masked(0x02, strings.Repeat("x", 600)), masked(0x80, strings.Repeat("x", 600))...), CloseTooBig},
		"length of 64 bits":          {[]byte("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff1234"), CloseTooBig},
		"length that overflows":      {append(masked(0x02, "x"), "\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff1234"...), CloseTooBig},
		"not masked":                 {[]byte{0x81, 0x01, 'x'}, CloseProtocol},
		"reserved bit":               {masked(0xC1, "x"), CloseProtocol},
		"reserved opcode":            {masked(0x83, "x"), CloseProtocol},
		"fragmented ping":            {masked(0x09, "x"), CloseProtocol},
		"long ping":                  {masked(0x89, strings.Repeat("x", 126)), CloseProtocol},
		"lone continuation":          {masked(0x80, "x"), CloseProtocol},
		"text inside a message":      {append(masked(0x01, "x"), masked(0x81, "y")...), CloseProtocol},
		"close code 1005":            {masked(0x88, "\x03\xed"), CloseProtocol},
		"close of one byte":          {masked(0x88, "\x03"), CloseProtocol},
		"close with a bad reason":    {masked(0x88, "\x03\xe8\xff"), CloseProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, UpgradeOptions{MessageSize: 1000})
			cl, _ := s.dial(t, nil)
			cl.NetConn().Write(append(c.bytes, bytes.Repeat([]byte("more"), 1000)...)) //nolint:errcheck // the answer tells
			_, _, err := cl.ReadMessage()
			if !websocket.IsCloseError(err, int(c.code)) {
				t.Errorf("client saw %v, want close %d", err, c.code)
			}
			if got := wait(t, s.sink.closes); got != c.code {
				t.Errorf("sink was told %v", got)
			}
			if err := wait(t, s.ends); err == nil {
				t.Error("reading went on")
			}
		})
	}
}

func TestControlFrames(t *testing.T) {
	t.Parallel()
	s := serve(t, UpgradeOptions{})
	cl, _ := s.dial(t, nil)
	cl.WriteControl(websocket.PingMessage, []byte("are you there"), time.Time{}) //nolint:errcheck // the answer tells
	if got := wait(t, s.sink.frames); !bytes.Equal(got, AppendFrame(nil, OpPong, []byte("are you there"))) {
		t.Errorf("a ping was answered with %q", got)
	}
	// A ping in the middle of a message, in three characters of two fragments.
	nc := cl.NetConn()
	nc.Write(masked(0x01, "\xe7\x95")) //nolint:errcheck // as above
	nc.Write(masked(0x89, "p"))        //nolint:errcheck // as above
	nc.Write(masked(0x80, "\x8c!"))    //nolint:errcheck // as above
	if got := wait(t, s.messages); got != "1\u754c!" {
		t.Errorf("fragments arrived as %q", got)
	}
	wait(t, s.sink.frames)

	cl.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1001, "bye"), time.Time{}) //nolint:errcheck // as above
	if got := wait(t, s.sink.closes); got != 1001 {
		t.Errorf("the echo is %v", got)
	}
	if code, ok := ClientClose(wait(t, s.ends)); !ok || code != 1001 {
		t.Errorf("the reader was told %v, %v", code, ok)
	}
}

func TestClientClose(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(*websocket.Conn)
		code CloseCode
		ok   bool
	}{
		"without a code": {func(c *websocket.Conn) { c.NetConn().Write(masked(0x88, "")) }, CloseNoStatus, true}, //nolint:errcheck // the server tells
		"broken off":     {func(c *websocket.Conn) { c.Close() }, 0, false},
		"in a frame":     {func(c *websocket.Conn) { c.NetConn().Write([]byte{0x81}); c.Close() }, 0, false}, //nolint:errcheck // as above
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, UpgradeOptions{})
			cl, _ := s.dial(t, nil)
			c.end(cl)
			err := wait(t, s.ends)
			if code, ok := ClientClose(err); code != c.code || ok != c.ok {
				t.Errorf("%v: %v, %v", err, code, ok)
			}
		})
	}
}

func TestPingFlood(t *testing.T) {
	t.Parallel()
	s := serve(t, UpgradeOptions{})
	cl, _ := s.dial(t, nil)
	cl.NetConn().Write(bytes.Repeat(masked(0x89, ""), 600)) //nolint:errcheck // the answer tells
	if got := wait(t, s.sink.closes); got != ClosePolicy {
		t.Errorf("closed with %v", got)
	}
	if n := len(s.sink.frames); n < 500 || n > 510 {
		t.Errorf("%d pongs, want about 500", n)
	}
}

func TestReadBeforeSetSink(t *testing.T) {
	t.Parallel()
	if _, _, err := (&Conn{}).ReadMessage(); !errors.Is(err, errNoSink) {
		t.Errorf("got %v", err)
	}
}

// endless is a connection that yields the same frames for ever.
type endless struct {
	net.Conn
	frames []byte
	at     int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.frames[e.at:])
	e.at = (e.at + n) % len(e.frames)
	return n, nil
}

func (*endless) SetDeadline(time.Time) error { return nil }

type discard struct{}

func (discard) Seen()                              {}
func (discard) Pong(byte)                          {}
func (discard) Send([]byte)                        {}
func (discard) Close(CloseCode, string, ...[]byte) {}

func BenchmarkReadMessage(b *testing.B) {
	c := memoryConn(masked(0x81, "data_imei:1234567"))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := c.ReadMessage(); err != nil {
			b.Fatal(err)
		}
	}
}

// memoryConn is a Conn over frames that need no network.
func memoryConn(frames []byte) *Conn {
	c := &Conn{nc: &endless{frames: frames}, limit: defaultMessageSize}
	c.SetSink(discard{})
	return c
}

func TestReadMessageAllocates(t *testing.T) {
	c := memoryConn(masked(0x81, "data_imei:1234567"))
	// One is gorilla's reader of a message.
	if n := testing.AllocsPerRun(100, func() { c.ReadMessage() }); n > 1 { //nolint:errcheck // never fails
		t.Errorf("%v allocations a message", n)
	}
}
