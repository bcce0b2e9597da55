package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// reader is gorilla's reading side of one connection, and its buffer. Between two
// messages neither holds anything of the connection, so an idle one lends its reader to
// those that have something to read: that saves it 1.2 KiB.
//
// To gorilla the reader is the connection. What gorilla writes by itself goes to the
// sink.
type reader struct {
	ws    *websocket.Conn
	br    *bufio.Reader
	conn  *Conn  // nil: nobody's
	early []byte // what was read before; it comes first
}

// readers are nobody's; the second kind inflates.
var readers = [2]sync.Pool{
	{New: func() any { return newReader(false) }},
	{New: func() any { return newReader(true) }},
}

// newReader has gorilla make a connection of a handshake that needs no client.
func newReader(deflate bool) *reader {
	r := &reader{}
	r.br = bufio.NewReaderSize(r, readBuffer)
	var err error
	if r.ws, err = upgrade(&canned{r}, cannedRequest, deflate); err != nil {
		panic(err) // not on a handshake that never changes
	}
	r.ws.SetPingHandler(func(data string) error { return r.conn.ping([]byte(data)) })
	r.ws.SetPongHandler(func(data string) error {
		r.conn.pong(len(data), append([]byte(data), 0)[0])
		return nil
	})
	r.ws.SetCloseHandler(func(code int, _ string) error { return r.conn.closed(code) })
	return r
}

// take gives the Conn a reader, if it has none.
func (c *Conn) take() *reader {
	if c.r == nil {
		c.r = readers[kind(c.deflate)].Get().(*reader)
		c.r.conn = c
		c.r.ws.SetReadLimit(c.limit)
	}
	return c.r
}

// lend gives it back: between two messages, with nothing left in it. One that met an
// error must not be lent, for gorilla keeps errors.
func (c *Conn) lend() {
	if c.r == nil {
		return
	}
	c.r.conn = nil
	readers[kind(c.deflate)].Put(c.r)
	c.r = nil
}

func kind(deflate bool) int {
	if deflate {
		return 1
	}
	return 0
}

// pending says whether something was read and not yet handled.
func (c *Conn) pending() bool {
	return c.r != nil && (len(c.r.early) > 0 || c.r.br.Buffered() > 0)
}

// unread has p read before what the connection yields. p is copied.
func (c *Conn) unread(p []byte) {
	r := c.take()
	r.early = append([]byte(nil), p...)
}

// answerRead answers the pings and pongs that were read already.
func (c *Conn) answerRead() {
	if c.r == nil {
		return
	}
	b, _ := c.r.br.Peek(c.r.br.Buffered())
	_, _ = c.r.br.Discard(c.answer(b))
	if c.r.br.Buffered() == 0 {
		if c.r.early = c.r.early[c.answer(c.r.early):]; len(c.r.early) == 0 {
			c.r.early = nil
		}
	}
}

// Read hands out first what was read before.
func (r *reader) Read(p []byte) (int, error) {
	if len(r.early) > 0 {
		n := copy(p, r.early)
		if r.early = r.early[n:]; len(r.early) == 0 {
			r.early = nil
		}
		return n, nil
	}
	n, err := r.conn.nc.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF // TLS, of a record that breaks off; see Conn.failed
	}
	r.conn.full = n == len(p)
	return n, err
}

// Write swallows the handshake, which is no client's, and passes the one thing that
// gorilla writes later to the sink: a close frame, after a protocol error or a message
// over the limit.
func (r *reader) Write(p []byte) (int, error) {
	if r.conn != nil && len(p) >= 4 && Opcode(p[0]&0x0F) == OpClose {
		r.conn.sink.Close(CloseCode(binary.BigEndian.Uint16(p[2:])), string(p[4:]))
	}
	return len(p), nil
}

// Close and the rest are the writer's business.
func (*reader) Close() error                     { return nil }
func (*reader) LocalAddr() net.Addr              { return nil }
func (*reader) RemoteAddr() net.Addr             { return nil }
func (*reader) SetDeadline(time.Time) error      { return nil }
func (*reader) SetReadDeadline(time.Time) error  { return nil }
func (*reader) SetWriteDeadline(time.Time) error { return nil }

var _ net.Conn = (*reader)(nil)

// cannedRequest is a handshake without fault, with RFC 6455's own example of a key.
var cannedRequest = &http.Request{
	Method: http.MethodGet, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	Header: http.Header{
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Extensions": {"permessage-deflate"},
	},
}

// canned is the writer that gorilla hijacks for a reader.
type canned struct{ r *reader }

func (*canned) Header() http.Header         { return http.Header{} }
func (*canned) Write(p []byte) (int, error) { return len(p), nil }
func (*canned) WriteHeader(int)             {}
func (*canned) hijackError() error          { return nil }

// Hijack hands out the reader's buffer, which gorilla keeps, and a writer of no use.
func (c *canned) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return c.r, bufio.NewReadWriter(c.r.br, bufio.NewWriterSize(c.r, 16)), nil
}
