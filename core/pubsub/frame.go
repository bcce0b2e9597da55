package pubsub

import (
	"bytes"
	"errors"
	"fmt"
)

// kind is what a frame of the stream means to a link.
type kind uint8

const (
	incomplete kind = iota // the buffer ends inside the frame
	message
	subscribed
	unsubscribed
	pong
	failed   // an error reply; text is its text
	oversize // the head of a message whose payload is over the limit
)

// frame is one frame of the RESP2 stream of a subscribed connection. Its slices
// point into the buffer that was parsed.
type frame struct {
	kind    kind
	channel []byte
	text    []byte // payload of a message, word of a pong, text of an error
	size    int    // of the whole frame, for oversize with what has not arrived
}

var errProtocol = errors.New("pubsub: not a reply that a subscriber gets")

// maxLine bounds what is no payload: lines and channel names, in bytes.
const maxLine = 64 << 10

// parse reads the frame at the start of b. An incomplete frame has the size that
// the buffer needs at least, where that is known.
func parse(b []byte, maxPayload int) (frame, error) {
	if len(b) == 0 {
		return frame{}, nil
	}
	switch b[0] {
	case '*':
		return parsePush(b, maxPayload)
	case '+', '-':
		line, n, err := parseLine(b)
		if n == 0 || err != nil {
			return frame{}, err
		}
		k := pong
		if b[0] == '-' {
			k = failed
		}
		return frame{kind: k, text: line, size: n}, nil
	case '$': // the answer to PING with a word, before the first SUBSCRIBE
		word, n, err := parseBulk(b, maxLine)
		if n == 0 || err != nil {
			return frame{}, err
		}
		return frame{kind: pong, text: word, size: n}, nil
	}
	return frame{}, fmt.Errorf("%w: it starts with %q", errProtocol, b[0])
}

// parsePush reads `message <channel> <payload>`, `subscribe <channel> <count>`,
// `unsubscribe <channel or nil> <count>`, the same of sharded channels, which begin
// with an s, or `pong <word>`.
func parsePush(b []byte, maxPayload int) (frame, error) {
	elements, at, err := parseInt(b)
	if at == 0 || err != nil {
		return frame{}, err
	}
	if elements != 2 && elements != 3 {
		return frame{}, fmt.Errorf("%w: an array of %d", errProtocol, elements)
	}
	word, n, err := parseBulk(b[at:], maxLine)
	if n == 0 || err != nil {
		return frame{}, err
	}
	at += n
	f := frame{}
	switch {
	case elements == 3 && (string(word) == "message" || string(word) == "smessage"):
		f.kind = message
	case elements == 3 && (string(word) == "subscribe" || string(word) == "ssubscribe"):
		f.kind = subscribed
	case elements == 3 && (string(word) == "unsubscribe" || string(word) == "sunsubscribe"):
		f.kind = unsubscribed
	case elements == 2 && string(word) == "pong":
		f.kind = pong
	default:
		return frame{}, fmt.Errorf("%w: %.20q", errProtocol, word)
	}
	if f.kind != pong {
		if f.channel, n, err = parseBulk(b[at:], maxLine); n == 0 || err != nil {
			return frame{}, err
		}
		at += n
	}
	if f.kind == subscribed || f.kind == unsubscribed {
		if _, n, err = parseInt(b[at:]); n == 0 || err != nil {
			return frame{}, err
		}
		f.size = at + n
		return f, nil
	}
	length, n, err := parseInt(b[at:])
	if n == 0 || err != nil {
		return frame{}, err
	}
	if b[at] != '$' || length < 0 {
		return frame{}, fmt.Errorf("%w: no payload", errProtocol)
	}
	at += n
	f.size = at + length + 2
	if length > maxPayload {
		f.kind = oversize
		return f, nil
	}
	if len(b) < f.size {
		return frame{size: f.size}, nil
	}
	if b[f.size-2] != '\r' || b[f.size-1] != '\n' {
		return frame{}, fmt.Errorf("%w: a payload without end", errProtocol)
	}
	f.text = b[at : f.size-2]
	return f, nil
}

// parseLine returns the text between the type byte and the line end and the bytes
// that the line takes, 0 while its end has not arrived.
func parseLine(b []byte) ([]byte, int, error) {
	window := b[:min(len(b), maxLine)]
	i := bytes.IndexByte(window, '\n')
	switch {
	case i < 0 && len(window) == maxLine:
		return nil, 0, fmt.Errorf("%w: an endless line", errProtocol)
	case i < 0:
		return nil, 0, nil
	case i < 2 || b[i-1] != '\r':
		return nil, 0, fmt.Errorf("%w: a line without \\r\\n", errProtocol)
	}
	return b[1 : i-1], i + 1, nil
}

// parseInt reads a line with a number after any type byte.
func parseInt(b []byte) (value, n int, err error) {
	line, n, err := parseLine(b)
	if n == 0 || err != nil {
		return 0, 0, err
	}
	if string(line) == "-1" {
		return -1, n, nil
	}
	// Redis' own bound of a string is 512 MB, so ten digits never overflow here.
	if len(line) == 0 || len(line) > 10 {
		return 0, 0, fmt.Errorf("%w: the number %.20q", errProtocol, line)
	}
	for _, c := range line {
		if c < '0' || c > '9' {
			return 0, 0, fmt.Errorf("%w: the number %.20q", errProtocol, line)
		}
		value = value*10 + int(c-'0')
	}
	return value, n, nil
}

// parseBulk reads a string of at most limit bytes; nil has no bytes.
func parseBulk(b []byte, limit int) ([]byte, int, error) {
	if len(b) == 0 {
		return nil, 0, nil
	}
	if b[0] != '$' {
		return nil, 0, fmt.Errorf("%w: a string that starts with %q", errProtocol, b[0])
	}
	length, n, err := parseInt(b)
	switch {
	case n == 0 || err != nil:
		return nil, 0, err
	case length < 0:
		return nil, n, nil
	case length > limit:
		return nil, 0, fmt.Errorf("%w: a name of %d bytes", errProtocol, length)
	case len(b) < n+length+2:
		return nil, 0, nil
	case b[n+length] != '\r' || b[n+length+1] != '\n':
		return nil, 0, fmt.Errorf("%w: a string without end", errProtocol)
	}
	return b[n : n+length], n + length + 2, nil
}
