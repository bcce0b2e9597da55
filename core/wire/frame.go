package wire

import (
	"encoding/binary"
	"unicode/utf8"
)

// Opcode is the type of a frame (RFC 6455 section 5.2).
type Opcode byte

// The opcodes of frames that are sent. Continuation frames never are: a message
// is one frame.
const (
	OpText   Opcode = 0x1
	OpBinary Opcode = 0x2
	OpClose  Opcode = 0x8
	OpPing   Opcode = 0x9
	OpPong   Opcode = 0xA
)

const (
	finBit = 0x80 // RFC 6455 section 5.2: final fragment

	// maxControl is the longest payload of a control frame (section 5.5).
	maxControl = 125

	// maxReason is what a close frame's status code leaves of that.
	maxReason = maxControl - 2
)

// AppendFrame appends one whole, unmasked frame to dst, as a server sends it
// (RFC 6455 section 5.1: a server must not mask). The payload of a control frame
// is cut to the 125 bytes that section 5.5 allows.
func AppendFrame(dst []byte, op Opcode, payload []byte) []byte {
	if op >= OpClose && len(payload) > maxControl {
		payload = payload[:maxControl]
	}
	return append(appendHeader(dst, op, len(payload)), payload...)
}

// AppendText appends payload as a text frame if it is valid UTF-8, else as a
// binary one, so that a receiver gets the bytes that were published.
func AppendText(dst, payload []byte) []byte {
	op := OpText
	if !utf8.Valid(payload) {
		op = OpBinary
	}
	return append(appendHeader(dst, op, len(payload)), payload...)
}

// TextFrame is one text frame that holds s.
func TextFrame(s string) []byte {
	return append(appendHeader(make([]byte, 0, len(s)+10), OpText, len(s)), s...)
}

// maxHeader is the longest header of a frame that a server sends.
const maxHeader = 10

// BeginFrame appends room for a frame's header to dst, behind which a payload that is
// not yet known may be appended; EndFrame makes a frame of it.
func BeginFrame(dst []byte) []byte { return append(dst, make([]byte, maxHeader)...) }

// EndFrame makes what was appended to BeginFrame's result one frame; at is how long dst
// was before.
func EndFrame(dst []byte, at int, op Opcode) []byte {
	payload := dst[at+maxHeader:]
	head := appendHeader(dst[:at], op, len(payload))
	return append(head, payload...) // moves it: the header only got shorter
}

func appendHeader(dst []byte, op Opcode, n int) []byte {
	b0 := finBit | byte(op)
	switch {
	case n <= 125:
		return append(dst, b0, byte(n))
	case n <= 0xFFFF:
		return binary.BigEndian.AppendUint16(append(dst, b0, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, b0, 127), uint64(n))
	}
}

// AppendClose appends a close frame. A code that must not be sent (0, or 1005 and
// 1006 of section 7.4.1) makes an empty one. The reason is made valid UTF-8 and
// cut to 123 bytes, between characters.
func AppendClose(dst []byte, code CloseCode, reason string) []byte {
	if code == 0 || code == CloseNoStatus || code == CloseAbnormal {
		return append(dst, finBit|byte(OpClose), 0)
	}
	reason = cutText(reason, maxReason)
	dst = append(dst, finBit|byte(OpClose), byte(2+len(reason)))
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...)
}

// FrameLen is the length, header included, of the unmasked frame at the start of
// b, and 0 where b does not hold the whole of it.
func FrameLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	head, n := 2, uint64(b[1]&0x7F)
	switch n {
	case 126:
		if head = 4; len(b) < head {
			return 0
		}
		n = uint64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if head = 10; len(b) < head {
			return 0
		}
		n = binary.BigEndian.Uint64(b[2:])
	}
	if n > uint64(len(b)-head) {
		return 0
	}
	return head + int(n)
}
