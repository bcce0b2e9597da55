package centrifuge

import (
	"github.com/centrifugal/protocol"

	"github.com/wsgate/wsgate/core/wire"
)

// maxReplies is how many bytes of replies may gather before they are sent.
const maxReplies = 16 << 10

// reply puts one behind those that wait for flush.
func (l *loop) reply(r *protocol.Reply) {
	l.out = appendReply(l.out, r)
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
		l.socket.Send(wire.EndText(l.out, 0))
		l.out = nil // kept by the socket, perhaps
	}
}

// appendReply appends to dst, which is nil or holds replies behind the room for a
// frame's header.
func appendReply(dst []byte, r *protocol.Reply) []byte {
	if dst == nil {
		dst = wire.BeginText(make([]byte, 0, 256))
	} else {
		dst = append(dst, '\n')
	}
	return r.AppendJSON(dst)
}
