package centrifuge

import (
	"encoding/binary"
	"math/bits"
	"strconv"

	"github.com/centrifugal/protocol"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/wire"
)

// Format is how the protocol's messages are written: JSON, one a line, in text frames; or
// Protobuf, each behind its length, in binary ones.
type Format uint8

// The formats.
const (
	// JSON is that of npm centrifuge.
	JSON Format = iota
	// Protobuf is that of the clients for Dart, Swift and Java.
	Protobuf
)

// Subprotocol is the WebSocket subprotocol that a client asks for the format with; JSON
// is also what one gets that asks for none.
func (f Format) Subprotocol() string {
	if f == Protobuf {
		return "centrifuge-protobuf"
	}
	return "centrifuge-json"
}

// Framing is how the hub speaks to clients of the format: its ping is an empty reply,
// which they answer with an empty command.
func (f Format) Framing() *hub.Framing {
	if f == Protobuf {
		return protobufFraming
	}
	return jsonFraming
}

var (
	jsonFraming     = framing(wire.TextFrame("{}"))
	protobufFraming = framing(wire.AppendFrame(nil, wire.OpBinary, []byte{0}))
)

func framing(ping []byte) *hub.Framing {
	return &hub.Framing{Ping: ping, AppendClose: appendClose, FrameLen: wire.FrameLen}
}

func (f Format) opcode() wire.Opcode {
	if f == Protobuf {
		return wire.OpBinary
	}
	return wire.OpText
}

func (f Format) decoder(frame []byte) protocol.CommandDecoder {
	if f == Protobuf {
		return protocol.NewProtobufCommandDecoder(frame)
	}
	return protocol.NewJSONCommandDecoder(frame)
}

// data is a payload as a message holds it. Protobuf has bytes.
func (f Format) data(payload []byte) protocol.Raw {
	if f == Protobuf {
		return payload
	}
	return appendData(nil, payload)
}

// appendReply appends one to those before it in a frame.
func (f Format) appendReply(dst []byte, r *protocol.Reply, first bool) []byte {
	if f == JSON {
		if !first {
			dst = append(dst, '\n')
		}
		return r.AppendJSON(dst)
	}
	size := r.SizeCF()
	dst = binary.AppendUvarint(dst, uint64(size)) //nolint:gosec // never negative
	at := len(dst)
	dst = append(dst, make([]byte, size)...)
	_, _ = r.MarshalToSizedBufferCF(dst[at:]) // has the size that it said
	return dst
}

// appendPublication appends a publication push, first in its frame. Offset 0 is none:
// the channel has no history.
func (f Format) appendPublication(dst []byte, channel string, payload []byte, offset uint64) []byte {
	if f == Protobuf {
		return appendProtobuf(dst, channel, payload, offset)
	}
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

// The tags of Reply.push, Push.channel and Push.pub, Publication.data and
// Publication.offset in client.proto.
const (
	tagPush, tagChannel, tagPub, tagData = 4<<3 | 2, 2<<3 | 2, 4<<3 | 2, 4<<3 | 2
	tagOffset                            = 6 << 3
)

func appendProtobuf(dst []byte, channel string, payload []byte, offset uint64) []byte {
	pub := 0
	if len(payload) > 0 {
		pub += field(len(payload))
	}
	if offset > 0 {
		pub += 1 + varint(offset)
	}
	push := field(len(channel)) + field(pub)
	dst = appendLength(dst, field(push))
	dst = appendLength(append(dst, tagPush), push)
	dst = append(appendLength(append(dst, tagChannel), len(channel)), channel...)
	dst = appendLength(append(dst, tagPub), pub)
	if len(payload) > 0 {
		dst = append(appendLength(append(dst, tagData), len(payload)), payload...)
	}
	if offset > 0 {
		dst = binary.AppendUvarint(append(dst, tagOffset), offset)
	}
	return dst
}

func appendLength(dst []byte, n int) []byte {
	return binary.AppendUvarint(dst, uint64(n)) //nolint:gosec // never negative
}

// field is how long a field of n bytes is, with its tag and length.
func field(n int) int { return 1 + varint(uint64(n)) + n } //nolint:gosec // never negative

func varint(n uint64) int { return (bits.Len64(n|1) + 6) / 7 }
