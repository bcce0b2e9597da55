package swarm

import "encoding/binary"

// Opcodes of RFC 6455, section 5.2.
const (
	opText   = 1
	opBinary = 2
	opClose  = 8
	opPing   = 9
	opPong   = 10
)

// AppendText appends a client's text frame, masked as RFC 6455 section 5.3 asks.
func AppendText(dst []byte, text string) []byte {
	return appendFrame(dst, opText, text)
}

func appendFrame[T ~string | ~[]byte](dst []byte, op byte, p T) []byte {
	key := [4]byte{0x5a, 0xc3, 0x17, 0x88}
	dst = append(dst, 0x80|op)
	switch n := len(p); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n < 1<<16:
		dst = append(dst, 0x80|126, byte(n>>8), byte(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	dst = append(dst, key[:]...)
	for i := range len(p) {
		dst = append(dst, p[i]^key[i&3])
	}
	return dst
}

// frame is one server frame at the head of b.
type frame struct {
	op      byte
	payload []byte
	size    int // of the whole frame
}

// parseFrame returns size 0 while b holds less than a frame. Servers neither
// mask nor, in these tests, fragment.
func parseFrame(b []byte) frame {
	if len(b) < 2 {
		return frame{}
	}
	head, n := 2, int(b[1]&0x7f)
	switch n {
	case 126:
		if len(b) < 4 {
			return frame{}
		}
		head, n = 4, int(b[2])<<8|int(b[3])
	case 127:
		if len(b) < 10 {
			return frame{}
		}
		head, n = 10, int(binary.BigEndian.Uint64(b[2:])&(1<<32-1))
	}
	if len(b) < head+n {
		return frame{}
	}
	return frame{op: b[0] & 0xf, payload: b[head : head+n], size: head + n}
}
