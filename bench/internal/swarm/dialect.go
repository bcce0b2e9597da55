package swarm

// Dialect is what differs between servers on the wire.
type Dialect struct {
	// Request appends the upgrade request of socket i.
	Request func(dst []byte, i int) []byte

	// Opened appends the frames that socket i sends after the 101.
	Opened func(dst []byte, i int) []byte

	// Offset is where in a message the payload begins.
	Offset int

	// Other, if set, is given each message that isn't a payload. It appends
	// the answer's frame and says whether the socket is now ready. Without it a
	// socket is ready at the 101.
	Other func(dst []byte, i int, message []byte) (reply []byte, ready bool)
}

// AppendUpgrade appends a WebSocket handshake for target; extra is whole header
// lines, each ending in CRLF.
func AppendUpgrade(dst []byte, target, extra string) []byte {
	dst = append(dst, "GET "...)
	dst = append(dst, target...)
	dst = append(dst, " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"...)
	dst = append(dst, extra...)
	return append(dst, "\r\n"...)
}
