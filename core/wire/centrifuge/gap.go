package centrifuge

import (
	"github.com/centrifugal/protocol"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/wire"
)

// AppendGap implements hub.Gapper: messages of the channel may be missing, so the
// client's subscription ends in a way that has it subscribe again, which tells it
// what it could recover. A joined channel is not its to subscribe to: that ends and
// begins again with one frame.
func (e Encoder) AppendGap(dst []byte, m *hub.Message) (frames []byte, stay bool) {
	at := len(dst)
	dst = e.Format.appendReply(wire.BeginFrame(dst), &protocol.Reply{Push: &protocol.Push{
		Channel: e.Channel, Unsubscribe: &protocol.Unsubscribe{Code: unsubscribeInsufficient, Reason: "insufficient state"},
	}}, true)
	if e.Joined {
		on := e.Numbered && m.Epoch != ""
		again := &protocol.Subscribe{Recoverable: on, Positioned: on}
		if on {
			again.Epoch, again.Offset = m.Epoch, m.Offset
		}
		dst = e.Format.appendReply(dst, &protocol.Reply{Push: &protocol.Push{Channel: e.Channel, Subscribe: again}}, false)
	}
	return wire.EndFrame(dst, at, e.Format.opcode()), e.Joined
}
