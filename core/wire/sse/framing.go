package sse

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/wire"
)

// CloseEvent is the last event of a stream. Its data are a Farewell.
const CloseEvent = "close"

// Farewell is why a stream ends.
type Farewell struct {
	Code   wire.CloseCode `json:"code"`
	Reason string         `json:"reason"`
	// Reconnect says that the client should come back. EventSource does so by itself
	// whatever it says, unless it is closed; after a final close it is answered 204,
	// which ends it.
	Reconnect bool `json:"reconnect"`
}

// Framing is how the hub speaks on a stream: pings are comments, and a close is an
// event.
var Framing = &hub.Framing{
	Ping:        []byte(": ping\n\n"),
	AppendClose: AppendClose,
	FrameLen:    frameLen,
	OneWay:      true,
}

// AppendClose appends the close event. Where the client should not come back, its id
// says so, which EventSource then brings along; else it says when.
func AppendClose(dst []byte, code wire.CloseCode, reason string) []byte {
	f := Farewell{Code: code, Reason: reason, Reconnect: code.Reconnect()}
	data, _ := json.Marshal(f) // nothing in it can fail
	dst = append(dst, "event: "+CloseEvent+"\n"...)
	if f.Reconnect {
		dst = AppendRetry(dst, code)
	} else {
		dst = append(dst, "id: "+endID+"\n"...)
	}
	dst = append(append(dst, "data: "...), data...)
	return append(dst, "\n\n"...)
}

// AppendRetry appends how long the client should wait before it comes back: not all
// clients at once, and longer where the server has too much to do.
func AppendRetry(dst []byte, after wire.CloseCode) []byte {
	least, most := time.Second, 3*time.Second
	switch after {
	case wire.CloseTryLater:
		least, most = 5*time.Second, 15*time.Second
	case wire.CloseGoingAway, wire.CloseRestarting:
		least, most = 500*time.Millisecond, 5*time.Second
	}
	wait := least + rand.N(most-least) //nolint:gosec // no secret
	dst = append(dst, "retry: "...)
	dst = strconv.AppendInt(dst, wait.Milliseconds(), 10)
	return append(dst, '\n')
}

// frameLen is where the first event of b ends: at its first empty line, for none is in
// an event.
func frameLen(b []byte) int {
	if i := bytes.Index(b, []byte("\n\n")); i >= 0 {
		return i + 2
	}
	return 0
}
