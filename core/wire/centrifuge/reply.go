package centrifuge

import (
	"github.com/centrifugal/protocol"

	"github.com/wsgate/wsgate/core/wire"
)

// maxReplies is how many bytes of replies may gather before they are sent.
const maxReplies = 16 << 10

// reply puts one behind those that wait for flush.
func (l *loop) reply(r *protocol.Reply) {
	l.out = l.append(r)
	if len(l.out) > maxReplies {
		l.flush()
	}
}

// fail replies with an error.
func (l *loop) fail(id uint32, err *protocol.Error) {
	l.reply(&protocol.Reply{Id: id, Error: err})
}

// flush sends the replies that have gathered, in one frame.
func (l *loop) flush() {
	if l.out != nil {
		l.socket.Send(wire.EndFrame(l.out, 0, l.format.opcode()))
		l.out = nil // kept by the socket, perhaps
	}
}

// append is out with one more reply, behind the room for a frame's header.
func (l *loop) append(r *protocol.Reply) []byte {
	if l.out == nil {
		return l.format.appendReply(wire.BeginFrame(make([]byte, 0, 256)), r, true)
	}
	return l.format.appendReply(l.out, r, false)
}

// appendLast appends the frame of the replies that have gathered, and of one more, to
// dst.
func (l *loop) appendLast(dst []byte, r *protocol.Reply) []byte {
	dst = append(dst, wire.EndFrame(l.append(r), 0, l.format.opcode())...)
	l.out = nil
	return dst
}
