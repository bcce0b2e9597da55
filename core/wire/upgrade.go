package wire

import (
	"crypto/sha1" //nolint:gosec // RFC 6455 section 4.2.2 prescribes it
	"encoding/base64"
	"fmt"
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
	// Checked says that Check has found nothing wrong with this request.
	Checked bool
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
	if !o.Checked {
		if err := Check(r); err != nil {
			return nil, err
		}
	}
	in, ok := innermost(w).(http.Hijacker)
	if !ok {
		return nil, &HandshakeError{Status: http.StatusNotImplemented, Message: "this connection can't become a websocket"}
	}
	o.Compression = o.Compression && acceptsDeflate(r)
	write101(w, r.Header.Get("Sec-Websocket-Key"), &o)
	nc, brw, err := in.Hijack()
	if err != nil {
		return nil, fmt.Errorf("wire: hijack: %w", err)
	}
	if o.MessageSize <= 0 {
		o.MessageSize = defaultMessageSize
	}
	c := &Conn{nc: nc, deflate: o.Compression, limit: o.MessageSize}
	c.watch(o.Poller)
	// A client may have answered the 101 before the connection was ours.
	if n := brw.Reader.Buffered(); n > 0 {
		early, _ := brw.Reader.Peek(n)
		c.unread(early)
	}
	return c, nil
}

func write101(w http.ResponseWriter, key string, o *UpgradeOptions) {
	out := w.Header()
	for k, v := range o.Header {
		out[k] = append(out[k], v...)
	}
	out.Set("Upgrade", "websocket")
	out.Set("Connection", "Upgrade")
	out.Set("Sec-Websocket-Accept", acceptKey(key))
	out.Del("Sec-Websocket-Extensions")
	if o.Compression {
		out.Set("Sec-Websocket-Extensions", extensionAccepted)
	}
	out.Del("Sec-Websocket-Protocol")
	if o.Subprotocol != "" {
		out.Set("Sec-Websocket-Protocol", o.Subprotocol)
	}
	w.WriteHeader(http.StatusSwitchingProtocols)
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
