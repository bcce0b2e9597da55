package hub

import "github.com/wsgate/wsgate/core/wire"

// Framing is how the hub itself speaks on a connection. It is immutable, and shared
// by all sockets of a kind: a pointer to it is all that a socket holds.
type Framing struct {
	// Ping is a whole ping.
	Ping []byte
	// AppendClose appends the last frame of a connection to dst.
	AppendClose func(dst []byte, code wire.CloseCode, reason string) []byte
	// FrameLen is the length of the frame at the start of b, and 0 where b does not
	// hold the whole of it.
	FrameLen func(b []byte) int
	// OneWay says that clients send nothing: no sign of life, which is then for the
	// connection to miss, and no answer to a close, after which it ends at once.
	OneWay bool
}

// WebSocket is the framing of RFC 6455, and the default.
var WebSocket = &Framing{
	Ping:        wire.AppendFrame(nil, wire.OpPing, nil),
	AppendClose: wire.AppendClose,
	FrameLen:    wire.FrameLen,
}
