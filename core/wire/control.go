package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
)

// ping answers a client's ping (RFC 6455 section 5.5.3).
func (c *Conn) ping(data string) error {
	c.sink.Seen()
	if !c.rate.allow(time.Now()) {
		c.sink.Close(ClosePolicy, "too many pings")
		return errPings
	}
	c.sink.Send(AppendFrame(make([]byte, 0, 2+len(data)), OpPong, []byte(data)))
	return nil
}

func (c *Conn) pong(string) error {
	c.sink.Seen()
	return nil
}

// closed echoes a client's close frame (section 5.5.1).
func (c *Conn) closed(code int, _ string) error {
	c.sink.Close(CloseCode(code), "")
	return nil
}

// errPings is a client that pings without end, each one costing a write.
var errPings = errors.New("wire: too many pings")

const (
	pingEvery = 20 * time.Millisecond // the rate at which a client may ping
	pingAhead = 10 * time.Second      // how far it may get ahead of that: 500 pings
)

// pingRate is when the next ping would be due at pingEvery, in Unix nanoseconds.
type pingRate int64

func (p *pingRate) allow(now time.Time) bool {
	n := now.UnixNano()
	*p = pingRate(max(int64(*p), n) + int64(pingEvery))
	return int64(*p)-n <= int64(pingAhead)
}

// adapter is a Conn as gorilla sees the connection: it reads, and what gorilla
// writes by itself goes to the sink.
type adapter Conn

// Read hands out first what came before the connection was ours.
func (a *adapter) Read(p []byte) (int, error) {
	if len(a.early) > 0 {
		n := copy(p, a.early)
		if a.early = a.early[n:]; len(a.early) == 0 {
			a.early = nil
		}
		return n, nil
	}
	return a.nc.Read(p)
}

// Write swallows the handshake, which is written already, and passes the one
// thing that gorilla writes later to the sink: a close frame, after a protocol
// error or a message over the limit.
func (a *adapter) Write(p []byte) (int, error) {
	if a.sink == nil || len(p) < 4 || Opcode(p[0]&0x0F) != OpClose {
		return len(p), nil
	}
	a.sink.Close(CloseCode(binary.BigEndian.Uint16(p[2:])), string(p[4:]))
	return len(p), nil
}

// Close is the writer's business, but for a handshake that fails.
func (a *adapter) Close() error {
	if a.sink == nil {
		return a.nc.Close()
	}
	return nil
}

func (a *adapter) LocalAddr() net.Addr  { return a.nc.LocalAddr() }
func (a *adapter) RemoteAddr() net.Addr { return a.nc.RemoteAddr() }

// SetDeadline lets gorilla lift what the HTTP server had set.
func (a *adapter) SetDeadline(t time.Time) error     { return a.nc.SetDeadline(t) }
func (a *adapter) SetReadDeadline(t time.Time) error { return a.nc.SetReadDeadline(t) }

// SetWriteDeadline does nothing: nothing is written here, and a deadline would
// be the sink's too.
func (*adapter) SetWriteDeadline(time.Time) error { return nil }

func wrap(err error) error { return fmt.Errorf("wire: read: %w", err) }
