//go:build linux

package stub

import (
	"bytes"
	"strconv"

	"github.com/wsgate/wsgate/bench/internal/httpwire"
)

const gripType = "application/websocket-events"

// grip answers WebSocket-over-HTTP: an OPEN event is accepted where the token
// holds, and subscribed to the socket's own channel and the shared one.
func (s *Server) grip(dst []byte, r *httpwire.Request) []byte {
	if !bytes.HasPrefix(r.Body, []byte("OPEN")) {
		return httpwire.AppendResponse(dst, "200 OK", gripType, "", nil)
	}
	s.Introspections++
	i, ok := Index(bearer(r))
	if !ok {
		return httpwire.AppendResponse(dst, "401 Unauthorized", "text/plain", "", nil)
	}
	b := append(s.scratch[:0], "OPEN\r\n"...)
	b = appendSubscribe(b, strconv.Itoa(i))
	b = appendSubscribe(b, "all")
	s.scratch = b
	return httpwire.AppendResponse(dst, "200 OK", gripType, "Sec-WebSocket-Extensions: grip; message-prefix=\"\"\r\n", b)
}

// appendSubscribe appends one TEXT event whose content is a control message.
func appendSubscribe(dst []byte, channel string) []byte {
	message := `c:{"type":"subscribe","channel":"` + channel + `"}`
	dst = append(dst, "TEXT "...)
	dst = strconv.AppendInt(dst, int64(len(message)), 16)
	dst = append(dst, "\r\n"...)
	dst = append(dst, message...)
	return append(dst, "\r\n"...)
}
