package proctest

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// Event is one event of an event stream, as EventSource would dispatch it.
type Event struct {
	// Name is its type; "" stands for `message`.
	Name string
	Data string
	// ID is the last event id by then.
	ID string
}

// EventReader reads an event stream by the letter of WHATWG HTML section 9.2.6.
type EventReader struct {
	r *bufio.Reader
	// LastID is the last event id, also of a block that made no event.
	LastID string
	// Retry is the last reconnection time, in milliseconds; 0: none was said.
	Retry int
	// Comments are all comments.
	Comments []string
}

// NewEventReader reads a response's body.
func NewEventReader(r io.Reader) *EventReader { return &EventReader{r: bufio.NewReader(r)} }

// Next waits for the next event.
func (e *EventReader) Next() (Event, error) {
	var ev Event
	var data strings.Builder
	id := e.LastID
	for {
		line, err := e.line()
		if err != nil {
			return Event{}, err
		}
		if line == "" {
			e.LastID = id
			if data.Len() == 0 {
				ev = Event{}
				continue
			}
			ev.ID, ev.Data = id, strings.TrimSuffix(data.String(), "\n")
			return ev, nil
		}
		if comment, ok := strings.CutPrefix(line, ":"); ok {
			e.Comments = append(e.Comments, comment)
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			ev.Name = value
		case "data":
			data.WriteString(value + "\n")
		case "id":
			if !strings.Contains(value, "\x00") {
				id = value
			}
		case "retry":
			if n, err := strconv.Atoi(value); err == nil {
				e.Retry = n
			}
		}
	}
}

// line ends in CR, LF, or CR LF.
func (e *EventReader) line() (string, error) {
	var b []byte
	for {
		c, err := e.r.ReadByte()
		switch {
		case err != nil:
			return "", err
		case c == '\n':
			return string(b), nil
		case c == '\r':
			if next, err := e.r.Peek(1); err == nil && next[0] == '\n' {
				_, _ = e.r.Discard(1)
			}
			return string(b), nil
		}
		b = append(b, c)
	}
}
