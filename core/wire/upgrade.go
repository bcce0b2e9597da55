package wire

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // RFC 6455 section 4.2.2 prescribes it
	"encoding/base64"
	"fmt"
	"net"
	"net/http"

	"github.com/gorilla/websocket"
)

// UpgradeOptions are what one upgrade adds to the handshake.
type UpgradeOptions struct {
	// Subprotocol is the answer in Sec-WebSocket-Protocol. Default: none.
	Subprotocol string
	// Header is added to the 101, such as Set-Cookie. Default: none.
	Header http.Header
	// MessageSize is the longest message that a client may send, in bytes; a
	// longer one is close 1009. Default: 65536.
	MessageSize int64
	// Poller lets the connection wait without a goroutine. Default: none.
	Poller *Poller
	// Compression allows permessage-deflate, where the client offers it.
	Compression bool
}

// Upgrade answers a handshake with 101 and takes the connection over. On an error
// of type *HandshakeError nothing was written, and the caller answers; any other
// error comes after the 101, and there is nobody left to answer.
//
// The 101 goes through the whole chain of writers, so that each of them logs and
// counts it, and the connection is then taken from the innermost one: what
// middle ones would wrap it in isn't safe for one reader beside one writer.
func Upgrade(w http.ResponseWriter, r *http.Request, o UpgradeOptions) (*Conn, error) {
	if err := precheck(r); err != nil {
		return nil, err
	}
	o.Compression = o.Compression && acceptsDeflate(r)
	hw := &handshake{ResponseWriter: w, key: r.Header.Get("Sec-Websocket-Key"), o: o}
	ws, err := upgrade(hw, r, o.Compression)
	if err != nil {
		if hw.conn != nil {
			hw.conn.nc.Close() //nolint:errcheck // the handshake failed already
		}
		return nil, err
	}
	return hw.conn.start(ws, o.MessageSize), nil
}

// handshake is the writer that gorilla sees: it turns Hijack into the 101 and
// the innermost writer's Hijack.
type handshake struct {
	http.ResponseWriter
	key  string
	o    UpgradeOptions
	conn *Conn
	err  error
}

func (h *handshake) hijackError() error { return h.err }

// Hijack is called by gorilla when its checks have passed.
func (h *handshake) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	in, ok := innermost(h.ResponseWriter).(http.Hijacker)
	if !ok {
		h.err = &HandshakeError{Status: http.StatusNotImplemented, Message: "this connection can't become a websocket"}
		return nil, nil, h.err
	}
	h.write101()
	nc, brw, err := in.Hijack()
	if err != nil {
		h.err = fmt.Errorf("wire: hijack: %w", err)
		return nil, nil, h.err
	}
	h.conn = &Conn{nc: nc, deflate: h.o.Compression}
	h.conn.watch(h.o.Poller)
	// A client may have answered the 101 before the connection was ours.
	if n := brw.Reader.Buffered(); n > 0 {
		early, _ := brw.Reader.Peek(n)
		h.conn.early = append([]byte(nil), early...)
	}
	// Gorilla gets an empty reader, which it would refuse otherwise and keeps, and a
	// writer of no use, since its own 101 is swallowed.
	h.conn.takeBuffer()
	a := (*adapter)(h.conn)
	return a, bufio.NewReadWriter(&h.conn.br, bufio.NewWriterSize(a, 16)), nil
}

func (h *handshake) write101() {
	out := h.Header()
	for k, v := range h.o.Header {
		out[k] = append(out[k], v...)
	}
	out.Set("Upgrade", "websocket")
	out.Set("Connection", "Upgrade")
	out.Set("Sec-Websocket-Accept", acceptKey(h.key))
	out.Del("Sec-Websocket-Extensions")
	if h.o.Compression {
		out.Set("Sec-Websocket-Extensions", extensionAccepted)
	}
	out.Del("Sec-Websocket-Protocol")
	if h.o.Subprotocol != "" {
		out.Set("Sec-Websocket-Protocol", h.o.Subprotocol)
	}
	h.ResponseWriter.WriteHeader(http.StatusSwitchingProtocols)
}

// innermost walks down to the server's own writer.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		in := u.Unwrap()
		if in == nil {
			return w
		}
		w = in
	}
}

// acceptKey is Sec-WebSocket-Accept (RFC 6455 section 4.2.2, item 5.4).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	return base64.StdEncoding.EncodeToString(sum[:])
}

// noWrites is gorilla's pool of write buffers: none is kept per connection, and
// as gorilla writes no message here, none is ever asked for.
type noWrites struct{}

func (noWrites) Get() any { return nil }
func (noWrites) Put(any)  {}

var _ websocket.BufferPool = noWrites{}
