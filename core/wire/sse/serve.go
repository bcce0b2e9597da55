package sse

import (
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/wire"
)

// Serve waits for the end of a stream, and then detaches its socket and calls done. s
// is conn's sink. It returns at once; spawn runs a function in a goroutine.
func Serve(conn *wire.Conn, s *hub.Socket, spawn func(func()), done func()) {
	l := &listener{socket: s, done: done}
	l.reading.Start(conn, l, spawn)
}

// listener hears nothing but the end.
type listener struct {
	reading wire.Loop
	socket  *hub.Socket
	done    func()
}

func (l *listener) Closed() bool                { return l.socket.Closed() }
func (l *listener) Message(wire.Opcode, []byte) {}

func (l *listener) End() {
	l.socket.Detach()
	l.done()
}
