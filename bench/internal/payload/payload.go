// Package payload writes and reads the 128-byte messages of a run: which kind
// of channel they went to, when they were published, and their place in order.
//
// The alphabet is lower-case letters, so that a payload is the same bytes in a
// text frame, in JSON and in a URL, and so that decoding it costs a few
// nanoseconds: at millions of deliveries a second the reader is the bottleneck.
package payload

import "encoding/binary"

// Size is the length of every payload in bytes.
const Size = 128

// Mark begins every payload. The byte after it is the Kind.
const Mark = "wsb"

// Kind says what a message is for.
type Kind byte

const (
	// Shared went to the channel that every socket listens to.
	Shared Kind = 's'
	// Own went to the channel of one socket.
	Own Kind = 'o'
	// Probe is sent until it arrives, and is not counted.
	Probe Kind = 'p'
)

const (
	offKind   = 3
	offTime   = 4
	offSeq    = 20
	offTarget = 28
	offPad    = 36
)

// Message is what a payload says.
type Message struct {
	Kind   Kind
	Time   int64  // nanoseconds on the generator's clock
	Seq    uint32 // counts up by one a channel, from zero
	Target uint32 // the socket, for Own
}

// Append appends the payload of m.
func Append(dst []byte, m Message) []byte {
	n := len(dst)
	dst = append(dst, padding...)
	p := dst[n:]
	copy(p, Mark)
	p[offKind] = byte(m.Kind)
	put(p[offTime:], uint32(uint64(m.Time)>>32))
	put(p[offTime+8:], uint32(m.Time))
	put(p[offSeq:], m.Seq)
	put(p[offTarget:], m.Target)
	return dst
}

// Parse reads a payload. ok is false where p is not one.
func Parse(p []byte) (m Message, ok bool) {
	if len(p) < offPad || p[0] != Mark[0] || p[1] != Mark[1] || p[2] != Mark[2] {
		return Message{}, false
	}
	return Message{
		Kind:   Kind(p[offKind]),
		Time:   int64(uint64(get(p[offTime:]))<<32 | uint64(get(p[offTime+8:]))),
		Seq:    get(p[offSeq:]),
		Target: get(p[offTarget:]),
	}, true
}

var padding = func() []byte {
	p := make([]byte, Size)
	for i := range p {
		p[i] = 'x'
	}
	return p
}()

// put writes v as eight letters a to p, most significant first.
func put(p []byte, v uint32) {
	for i := range 8 {
		p[i] = 'a' + byte(v>>(28-4*i))&0xF
	}
}

// get is put's inverse, all eight letters at once.
func get(p []byte) uint32 {
	x := binary.BigEndian.Uint64(p) - 0x6161616161616161
	x = (x | x>>4) & 0x00FF00FF00FF00FF
	x = (x | x>>8) & 0x0000FFFF0000FFFF
	return uint32(x | x>>16)
}
