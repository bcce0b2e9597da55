package wire

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/gorilla/websocket"
)

// newGorilla is a gorilla connection over any net.Conn.
func newGorilla(nc net.Conn) *websocket.Conn {
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.Header = http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
	ws, err := upgrade(&ready{nc: nc}, r, false)
	if err != nil {
		panic(err)
	}
	return ws
}

// ready has been hijacked before.
type ready struct {
	http.ResponseWriter
	nc net.Conn
}

func (*ready) hijackError() error { return nil }

func (r *ready) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return r.nc, bufio.NewReadWriter(bufio.NewReader(r.nc), bufio.NewWriter(r.nc)), nil
}
