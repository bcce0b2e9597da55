package centrifuge

import (
	"strconv"
	"sync"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/wire"
)

// Encoder makes a message one text frame that holds a publication push. It is the hot
// path, so it writes bytes: with a dst that is large enough it allocates nothing.
type Encoder struct {
	// Channel is what the client calls the channel.
	Channel string
	// Deflate compresses: for sockets that agreed on it.
	Deflate bool
	// Joined says that the subscription is the server's, not the client's.
	Joined bool
}

// Append implements hub.Encoder.
func (e Encoder) Append(dst []byte, m *hub.Message) []byte {
	if e.Deflate {
		b := scratch.Get().(*[]byte)
		*b = appendPush((*b)[:0], e.Channel, m.Payload, m.Offset)
		dst = wire.AppendDeflated(dst, *b)
		if cap(*b) <= maxScratch {
			scratch.Put(b)
		}
		return dst
	}
	at := len(dst)
	dst = appendPush(wire.BeginText(dst), e.Channel, m.Payload, m.Offset)
	return wire.EndText(dst, at)
}

// appendPush appends a publication push. Offset 0 is none: the channel has no history.
func appendPush(dst []byte, channel string, payload []byte, offset uint64) []byte {
	dst = append(dst, `{"push":{"channel":`...)
	dst = appendString(dst, channel)
	dst = append(dst, `,"pub":{"data":`...)
	dst = appendData(dst, payload)
	if offset > 0 {
		dst = append(dst, `,"offset":`...)
		dst = strconv.AppendUint(dst, offset, 10)
	}
	return append(dst, "}}}"...)
}

// scratch holds what is about to be compressed.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// maxScratch is the largest buffer that scratch keeps.
const maxScratch = 64 << 10
