package centrifuge

import (
	"cmp"

	"github.com/centrifugal/protocol"

	"github.com/wsgate/wsgate/core/wire"
)

// appendClose always has a reason: without one npm centrifuge takes no code for final.
func appendClose(dst []byte, code wire.CloseCode, reason string) []byte {
	return wire.AppendClose(dst, code, cmp.Or(reason, code.Meaning()))
}

// Message is a frame that hands text to the page's `message` event: in JSON as JSON where
// it is JSON, else as a string.
func (f Format) Message(text string) []byte {
	return f.pushFrame(&protocol.Push{Message: &protocol.Message{Data: f.data([]byte(text))}})
}

// disconnectFrame tells the client to leave, and by its code whether to come back.
func (f Format) disconnectFrame(code uint32, reason string) []byte {
	return f.pushFrame(&protocol.Push{Disconnect: &protocol.Disconnect{Code: code, Reason: reason}})
}

func (f Format) pushFrame(p *protocol.Push) []byte {
	return wire.EndFrame(f.appendReply(wire.BeginFrame(nil), &protocol.Reply{Push: p}, true), 0, f.opcode())
}
