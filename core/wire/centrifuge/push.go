package centrifuge

import (
	"cmp"

	"github.com/centrifugal/protocol"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/wire"
)

// Framing is how the hub speaks to the protocol's clients: its ping is an empty reply,
// which they answer with an empty command.
var Framing = &hub.Framing{
	Ping:        wire.TextFrame("{}"),
	AppendClose: appendClose,
	FrameLen:    wire.FrameLen,
}

// appendClose always has a reason: without one npm centrifuge takes no code for final.
func appendClose(dst []byte, code wire.CloseCode, reason string) []byte {
	return wire.AppendClose(dst, code, cmp.Or(reason, code.Meaning()))
}

// Message is a frame that hands text to the page's `message` event, as JSON where it is
// JSON, else as a string.
func Message(text string) []byte {
	return pushFrame(&protocol.Push{Message: &protocol.Message{Data: appendData(nil, []byte(text))}})
}

// disconnectFrame tells the client to leave, and by its code whether to come back.
func disconnectFrame(code uint32, reason string) []byte {
	return pushFrame(&protocol.Push{Disconnect: &protocol.Disconnect{Code: code, Reason: reason}})
}

func pushFrame(p *protocol.Push) []byte {
	return wire.EndText((&protocol.Reply{Push: p}).AppendJSON(wire.BeginText(nil)), 0)
}

// AppendGap implements hub.Gapper: messages of the channel may be missing, so the
// client's subscription ends in a way that has it subscribe again, which tells it
// what it could recover.
func (e Encoder) AppendGap(dst []byte, _ *hub.Message) (frames []byte, stay bool) {
	r := protocol.Reply{Push: &protocol.Push{
		Channel: e.Channel, Unsubscribe: &protocol.Unsubscribe{Code: unsubscribeInsufficient, Reason: "insufficient state"},
	}}
	at := len(dst)
	return wire.EndText(r.AppendJSON(wire.BeginText(dst)), at), false
}
