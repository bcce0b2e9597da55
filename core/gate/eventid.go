package gate

import (
	"errors"
	"strconv"
	"strings"
)

// EventID is the place of an event in the audit trail of a gate on one node. Its text
// is opaque; it holds for as long as the gate is open.
type EventID struct {
	life int64
	n    uint64
}

// ErrEventID: the text is not that of an EventID.
var ErrEventID = errors.New("gate: not the id of an event")

// String is the text; that of the zero EventID is "".
func (id EventID) String() string {
	if id == (EventID{}) {
		return ""
	}
	return strconv.FormatInt(id.life, 36) + "-" + strconv.FormatUint(id.n, 10)
}

// MarshalText implements encoding.TextMarshaler.
func (id EventID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; "" is the zero EventID.
func (id *EventID) UnmarshalText(text []byte) error {
	*id = EventID{}
	if len(text) == 0 {
		return nil
	}
	life, n, ok := strings.Cut(string(text), "-")
	if !ok {
		return ErrEventID
	}
	var err, err2 error
	id.life, err = strconv.ParseInt(life, 36, 64)
	id.n, err2 = strconv.ParseUint(n, 10, 63)
	if err != nil || err2 != nil {
		return ErrEventID
	}
	return nil
}
