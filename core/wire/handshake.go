package wire

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/websocket"
)

// HandshakeError is a handshake that was refused before anything was written: the
// caller answers with its status, headers and message.
type HandshakeError struct {
	// Status is 400, 405, 426 or 501.
	Status int
	// Header goes with the answer; nil where nothing has to.
	Header http.Header
	// Message is for the client and the log; it holds nothing of the request.
	Message string
}

func (e *HandshakeError) Error() string { return "wire: " + e.Message }

// upgradeHeader is what RFC 6455 section 4.4 and RFC 9110 section 15.5.22 want
// beside a 426.
func upgradeHeader() http.Header {
	return http.Header{
		"Upgrade":               {"websocket"},
		"Connection":            {"Upgrade"},
		"Sec-Websocket-Version": {"13"},
	}
}

// IsUpgrade says whether r asks for a websocket at all, well-formed or not.
func IsUpgrade(r *http.Request) bool { return websocket.IsWebSocketUpgrade(r) }

// Check says whether Upgrade would accept r, as far as that can be seen without
// the connection, so that no account is looked up for a request that can't
// become a socket. The error is a *HandshakeError.
func Check(r *http.Request) error {
	if err := precheck(r); err != nil {
		return err
	}
	if _, err := upgrade(&dryRun{}, r, false); !errors.Is(err, errDryRun) {
		return err
	}
	return nil
}

// precheck is what gorilla's checks leave out.
func precheck(r *http.Request) error {
	switch {
	case r.ProtoMajor != 1:
		return &HandshakeError{Status: http.StatusNotImplemented, Message: "websockets over " + r.Proto + " are not supported"}
	case !r.ProtoAtLeast(1, 1):
		return &HandshakeError{Status: http.StatusBadRequest, Message: "a websocket needs HTTP/1.1"}
	case len(r.Header["Sec-Websocket-Key"]) > 1:
		// RFC 6455 section 11.3.1: who signs which of them is anybody's guess.
		return &HandshakeError{Status: http.StatusBadRequest, Message: "more than one Sec-WebSocket-Key"}
	case r.ContentLength != 0 || len(r.TransferEncoding) > 0:
		// The body would be read as frames.
		return &HandshakeError{Status: http.StatusBadRequest, Message: "a websocket handshake has no body"}
	}
	return nil
}

// upgrade runs gorilla's checks and, if they pass, w's Hijack. A refusal by the
// checks is a *HandshakeError; an error of Hijack is returned as it is.
func upgrade(w hijackWriter, r *http.Request, deflate bool) (*websocket.Conn, error) {
	status := 0
	u := websocket.Upgrader{
		// No ReadBufferSize: gorilla then keeps a reader's own buffer.
		WriteBufferPool: noWrites{},
		// Gorilla only inflates here, and takes any offer for acceptable.
		EnableCompression: deflate,
		// Origins are judged by the gate, before anything else.
		CheckOrigin: func(*http.Request) bool { return true },
		Error:       func(_ http.ResponseWriter, _ *http.Request, s int, _ error) { status = s },
	}
	ws, err := u.Upgrade(w, r, nil)
	if err == nil {
		return ws, nil
	}
	if herr := w.hijackError(); herr != nil {
		return nil, herr
	}
	if status == 0 {
		return nil, err // after the hijack
	}
	e := &HandshakeError{Status: status, Message: strings.TrimPrefix(err.Error(), "websocket: ")}
	upgrading := listHas(r.Header["Upgrade"], "websocket")
	if r.Method == http.MethodGet && (!upgrading || !listHas(r.Header["Sec-Websocket-Version"], "13")) {
		e.Status, e.Header = http.StatusUpgradeRequired, upgradeHeader()
	}
	return nil, e
}

// hijackWriter is what upgrade needs of a writer.
type hijackWriter interface {
	http.ResponseWriter
	http.Hijacker
	hijackError() error
}

// errDryRun ends a Check that found nothing wrong.
var errDryRun = errors.New("wire: dry run")

// dryRun refuses the hijack, so that only gorilla's checks run.
type dryRun struct{ err error }

func (*dryRun) Header() http.Header         { return http.Header{} }
func (*dryRun) Write(p []byte) (int, error) { return len(p), nil }
func (*dryRun) WriteHeader(int)             {}
func (d *dryRun) hijackError() error        { return d.err }

func (d *dryRun) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	d.err = errDryRun
	return nil, nil, errDryRun
}

func listHas(lines []string, want string) bool {
	for _, l := range lines {
		if slices.ContainsFunc(strings.Split(l, ","), func(s string) bool {
			return strings.EqualFold(strings.TrimSpace(s), want)
		}) {
			return true
		}
	}
	return false
}
