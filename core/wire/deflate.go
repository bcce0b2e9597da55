package wire

import (
	"bytes"
	"compress/flate"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"
)

// Compression is permessage-deflate (RFC 7692) without context takeover on either
// side: a message is compressed once for all sockets that listen to it, and an
// idle socket keeps no window of 32 KiB.
const (
	extensionName     = "permessage-deflate"
	extensionAccepted = extensionName + "; server_no_context_takeover; client_no_context_takeover"
)

// minDeflate is the shortest payload that is compressed, in bytes: below it there is
// little to gain without a context.
const minDeflate = 256

const rsv1Bit = 0x40 // RFC 7692 section 6: the message is compressed

// acceptsDeflate says whether the client offers permessage-deflate in a form that
// is kept here (section 5.1): any but a window of the server's that is smaller than
// the one compress/flate uses.
func acceptsDeflate(r *http.Request) bool {
	for _, line := range r.Header["Sec-Websocket-Extensions"] {
		for offer := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(offer, ";")
			if strings.EqualFold(strings.TrimSpace(name), extensionName) && acceptable(params) {
				return true
			}
		}
	}
	return false
}

// acceptable says whether the parameters of an offer are known, well-formed and
// kept (section 7.1).
func acceptable(params string) bool {
	if strings.TrimSpace(params) == "" {
		return true
	}
	seen := map[string]bool{}
	for p := range strings.SplitSeq(params, ";") {
		name, value, has := strings.Cut(strings.TrimSpace(p), "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.Trim(strings.TrimSpace(value), `"`)
		if seen[name] {
			return false
		}
		seen[name] = true
		switch name {
		case "server_no_context_takeover", "client_no_context_takeover":
			if has {
				return false
			}
		case "client_max_window_bits": // what the client uses is no matter
		case "server_max_window_bits":
			if value != "15" {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// AppendDeflated is AppendText for sockets that agreed on compression: where it
// makes the frame shorter the payload is compressed.
func AppendDeflated(dst, payload []byte) []byte {
	op := OpText
	if !utf8.Valid(payload) {
		op = OpBinary
	}
	return AppendDeflatedFrame(dst, op, payload)
}

// AppendDeflatedFrame is AppendFrame for such sockets.
func AppendDeflatedFrame(dst []byte, op Opcode, payload []byte) []byte {
	if len(payload) < minDeflate {
		return AppendFrame(dst, op, payload)
	}
	d := deflaters.Get().(*deflater)
	defer deflaters.Put(d)
	short := d.deflate(payload)
	if len(short) >= len(payload) {
		return AppendFrame(dst, op, payload)
	}
	at := len(dst)
	dst = append(appendHeader(dst, op, len(short)), short...)
	dst[at] |= rsv1Bit
	return dst
}

// deflater is a compressor with its output, some 600 KiB: a pool keeps as many as
// are used at once, and each of a node's messages is compressed by one goroutine.
type deflater struct {
	out bytes.Buffer
	w   *flate.Writer
}

var deflaters = sync.Pool{New: func() any {
	d := &deflater{}
	d.w, _ = flate.NewWriter(&d.out, flate.BestSpeed) // fails for an unknown level only
	return d
}}

// deflate compresses as section 7.2.1 says: to a byte boundary, without the empty
// block at the end. The result is valid until the next call.
func (d *deflater) deflate(p []byte) []byte {
	d.out.Reset()
	d.w.Reset(&d.out)
	_, _ = d.w.Write(p) // into memory
	_ = d.w.Flush()
	return bytes.TrimSuffix(d.out.Bytes(), []byte{0, 0, 0xFF, 0xFF})
}
