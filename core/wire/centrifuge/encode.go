package centrifuge

import (
	"sync"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/wire"
)

// Encoder makes a message one frame that holds a publication push. It is the hot path,
// so it writes bytes: with a dst that is large enough it allocates nothing.
type Encoder struct {
	// Channel is what the client calls the channel.
	Channel string
	Format  Format
	// Deflate compresses: for sockets that agreed on it.
	Deflate bool
	// Numbered has publications carry their offset: the rule of the channel keeps a
	// history. One that does not may lead to a Redis channel of which another does.
	Numbered bool
	// Joined says that the subscription is the server's, not the client's.
	Joined bool
}

// Append implements hub.Encoder.
func (e Encoder) Append(dst []byte, m *hub.Message) []byte {
	offset := m.Offset
	if !e.Numbered {
		offset = 0
	}
	if e.Deflate {
		b := scratch.Get().(*[]byte)
		*b = e.Format.appendPublication((*b)[:0], e.Channel, m.Payload, offset)
		dst = wire.AppendDeflatedFrame(dst, e.Format.opcode(), *b)
		if cap(*b) <= maxScratch {
			scratch.Put(b)
		}
		return dst
	}
	at := len(dst)
	dst = e.Format.appendPublication(wire.BeginFrame(dst), e.Channel, m.Payload, offset)
	return wire.EndFrame(dst, at, e.Format.opcode())
}

// scratch holds what is about to be compressed.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// maxScratch is the largest buffer that scratch keeps.
const maxScratch = 64 << 10
