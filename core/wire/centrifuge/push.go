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
	return wire.EndText(push(wire.BeginText(nil), p), 0)
}

func push(dst []byte, p *protocol.Push) []byte {
	return (&protocol.Reply{Push: p}).AppendJSON(dst)
}
