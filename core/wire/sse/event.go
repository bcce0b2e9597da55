package sse

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/wsgate/wsgate/core/hub"
)

// binaryEvent is the event of a payload that is not text, and begins its name where
// events have the names of commands.
const binaryEvent = "binary"

// GapEvent tells that messages may be missing.
const GapEvent = "gap"

// Encoder makes a message one event.
type Encoder struct {
	// Name is the event's. Default: none, which is `message` to EventSource.
	Name string
	// ID gives each event of a channel with a history its position.
	ID bool
	// Marked is for sockets with several such channels, which are told where they
	// have got to by Mark.
	Marked bool
	// Gap are the data of the event that tells that messages of the channel may be
	// missing. Default: nothing tells it.
	Gap string
}

// Append implements hub.Encoder.
func (e Encoder) Append(dst []byte, m *hub.Message) []byte {
	binary := !utf8.Valid(m.Payload)
	switch {
	case binary && e.Name != "":
		dst = append(append(dst, "event: "+binaryEvent+" "...), e.Name...)
		dst = append(dst, '\n')
	case binary:
		dst = append(dst, "event: "+binaryEvent+"\n"...)
	case e.Name != "":
		dst = append(append(append(dst, "event: "...), e.Name...), '\n')
	}
	if e.ID && m.Epoch != "" {
		dst = append(dst, "id: "...)
		dst = appendPlace(dst, m.Channel, m.Epoch, m.Offset)
		dst = append(dst, '\n')
	}
	if binary {
		dst = append(dst, "data: "...)
		dst = base64.StdEncoding.AppendEncode(dst, m.Payload)
		return append(dst, "\n\n"...)
	}
	return append(appendData(dst, m.Payload), '\n')
}

// AppendGap implements hub.Gapper.
func (e Encoder) AppendGap(dst []byte, m *hub.Message) (frames []byte, stay bool) {
	if e.Gap == "" {
		return dst, true
	}
	dst = append(dst, "event: "+GapEvent+"\n"...)
	if e.ID && m.Epoch != "" {
		dst = append(dst, "id: "...)
		dst = appendPlace(dst, m.Channel, m.Epoch, m.Offset)
		dst = append(dst, '\n')
	}
	return append(appendData(dst, []byte(e.Gap)), '\n'), true
}

// appendData appends a data field for each line.
func appendData(dst, text []byte) []byte {
	for {
		dst = append(dst, "data: "...)
		i := bytes.IndexAny(text, "\r\n")
		if i < 0 {
			return append(append(dst, text...), '\n')
		}
		dst = append(append(dst, text[:i]...), '\n')
		if text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n' {
			i++
		}
		text = text[i+1:]
	}
}

// Event is one event of text. The name has no line end.
func Event(name, text string) []byte {
	dst := make([]byte, 0, len("event: \ndata: \n\n")+len(name)+len(text))
	dst = append(append(append(dst, "event: "...), name...), '\n')
	return append(appendData(dst, []byte(text)), '\n')
}

// CanName says whether events can have this name.
func CanName(name string) bool { return name != "" && !strings.ContainsAny(name, "\r\n") }
