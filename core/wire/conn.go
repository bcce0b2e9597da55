package wire

import (
	"compress/flate"
	"errors"
	"io"
	"net"
	"syscall"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// readBuffer is what an idle connection keeps for reading, in bytes. Longer
// frames are read in pieces.
const readBuffer = 512

// defaultMessageSize is the longest message from a client, in bytes.
const defaultMessageSize = 64 << 10

// Sink is the one writer of a socket, as the reading side sees it. No method may
// block for long.
type Sink interface {
	// Seen marks a sign of life.
	Seen()
	// Pong is told of a pong that holds one byte; that is a sign of life, too.
	Pong(b byte)
	// Send takes one encoded frame.
	Send(frame []byte)
	// Close ends the socket: notice frames, a close frame, and the connection.
	// Only the first call does anything.
	Close(code CloseCode, reason string, notice ...[]byte)
}

// Conn is the reading side of a socket. Use Upgrade to make one, or NewStream.
type Conn struct {
	nc      net.Conn
	r       *reader // nil while nobody reads
	sink    Sink
	buf     *[]byte // of the last message, back to the pool on the next read
	rate    pingRate
	limit   int64 // of a message, in bytes
	deflate bool  // compression was agreed on
	oneWay  bool  // the client has nothing to say
	full    bool  // the last read got all that it asked for: there may be more
	parking
}

// ErrInvalidText is a text message that is not UTF-8; the sink was told to close
// with 1007.
var ErrInvalidText = errors.New("wire: text message is not UTF-8")

// errTooBig is a message that is over the limit once it is inflated.
var errTooBig = errors.New("wire: message over the limit")

// errProtocol is a frame that RFC 6455 forbids, and gorilla lets pass.
var errProtocol = errors.New("wire: protocol error")

// errNoSink is a programming error that must not end as a nil dereference in a
// reader's goroutine.
var errNoSink = errors.New("wire: ReadMessage before SetSink")

// Compressed says that AppendDeflated's frames may be sent.
func (c *Conn) Compressed() bool { return c.deflate }

// NetConn is the connection under the socket, for the socket's one writer.
func (c *Conn) NetConn() net.Conn { return c.nc }

// SetSink says who answers; before the first ReadMessage.
func (c *Conn) SetSink(s Sink) { c.sink = s }

// ReadMessage waits for the client's next message. op is OpText or OpBinary; p is
// valid until the next call. Control frames are answered on the way.
//
// Every error is final. When the client broke the protocol (1002), the size limit
// (1009) or UTF-8 (1007), or sent a close frame, the sink was told; Linger is then
// what is left to do.
func (c *Conn) ReadMessage() (op Opcode, p []byte, err error) {
	if c.sink == nil {
		return 0, nil, errNoSink
	}
	if c.oneWay {
		if err := c.discard(); err != nil {
			return 0, nil, wrap(err)
		}
		return 0, nil, nil
	}
	c.release()
	if b, _ := c.take().br.Peek(2); len(b) == 2 && c.overlooked(b[0], b[1]) {
		c.sink.Close(CloseProtocol, "")
		return 0, nil, errProtocol
	}
	t, r, err := c.r.ws.NextReader()
	if err != nil {
		return 0, nil, c.failed(err)
	}
	c.buf = buffers.Get().(*[]byte)
	if *c.buf, err = readAll(r, (*c.buf)[:0], c.limit); err != nil {
		c.release()
		return 0, nil, c.failed(err)
	}
	c.sink.Seen()
	// RFC 6455 section 8.1.
	if op = Opcode(t); op == OpText && !utf8.Valid(*c.buf) {
		c.sink.Close(CloseInvalidText, "")
		c.release()
		return 0, nil, ErrInvalidText
	}
	return op, *c.buf, nil
}

// overlooked says whether the two bytes that a frame begins with are wrong in a way that
// gorilla doesn't see: a close frame of one byte (section 5.5.1), or a control frame said
// to be compressed (RFC 7692 section 6.1). Only the frame where a message could begin is
// looked at.
func (c *Conn) overlooked(b0, b1 byte) bool {
	control := b0&0x08 != 0
	return control && b0&rsv1Bit != 0 || b0 == finBit|byte(OpClose) && b1&0x7F == 1
}

// failed says why reading ended, and has the sink close where gorilla did not say so.
func (c *Conn) failed(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, errTooBig), errors.Is(err, websocket.ErrReadLimit):
		// Gorilla counts the bytes of frames, and a few of them inflate to anything. Of
		// a length that overflows its counter it tells nobody but its caller.
		c.sink.Close(CloseTooBig, "")
	case errors.As(err, &corrupt), errors.Is(err, io.ErrUnexpectedEOF):
		// The latter is flate's, of a block that breaks off, and never the connection's.
		c.sink.Close(CloseInvalidText, "not deflated")
	}
	return wrap(err)
}

// Linger reads, and throws away, until the connection ends; its writer bounds how
// long that is. Without it, closing a connection whose input wasn't read would
// reset it, and the client might never see the close frame.
func (c *Conn) Linger() {
	c.release()
	b := buffers.Get().(*[]byte)
	p := (*b)[:cap(*b)]
	for {
		if _, err := c.nc.Read(p); err != nil {
			break
		}
	}
	buffers.Put(b)
}

// ClientClose is the close code that a client sent, where err says that it did:
// 1005 for a close frame without one.
func ClientClose(err error) (CloseCode, bool) {
	var ce *websocket.CloseError
	if !errors.As(err, &ce) || ce.Code == websocket.CloseAbnormalClosure {
		return 0, false
	}
	return CloseCode(ce.Code), true
}

func readAll(r io.Reader, p []byte, limit int64) ([]byte, error) {
	for {
		if len(p) == cap(p) {
			p = append(p, 0)[:len(p)]
		}
		n, err := r.Read(p[len(p):cap(p)])
		p = p[:len(p)+n]
		if int64(len(p)) > limit {
			return p, errTooBig
		}
		if err == io.EOF { //nolint:errorlint // a Reader's own
			return p, nil
		}
		if err != nil {
			return p, err
		}
	}
}

// watch lets a poller wait for the connection, if it is of a kind that can be watched
// and that puts nothing of its own between.
func (c *Conn) watch(p *Poller) {
	if p == nil {
		return
	}
	if _, ok := c.nc.(*net.UnixConn); ok {
		return
	}
	c.nc = bare(c.nc)
	if rc := RawConn(c.nc); rc != nil {
		c.poller, c.rc = p, rc
	}
}

// RawConn yields the descriptor of connections that may be read and written directly,
// nil for others. Only types that put nothing of their own between are named: a TLS
// connection has a descriptor too.
func RawConn(nc net.Conn) syscall.RawConn {
	var sc syscall.Conn
	switch nc := nc.(type) {
	case *net.TCPConn:
		sc = nc
	case *net.UnixConn:
		sc = nc
	default:
		return bareOf(nc)
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	return rc
}
