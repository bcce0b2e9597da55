package sse

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/pubsub/history"
)

const (
	// endID is the id of a close after which nobody should come back.
	endID = "end"
	// maxPlaces is how many channels an id may tell of.
	maxPlaces = 512
	// maxEpoch bounds an epoch in bytes.
	maxEpoch = 64
	// keyLen is that of a channel's key.
	keyLen = 8
)

// ErrID is a Last-Event-ID that is none of ours.
var ErrID = errors.New("sse: not an event id of this server")

// Places are where a client has got to, as its Last-Event-ID tells:
//
//	<channel>.<epoch>.<offset>[,…]
//
// A channel is told by a hash of its name, so that the name stays here.
type Places struct {
	// Ended says that the client was told not to come back.
	Ended bool
	at    []place
}

type place struct {
	key [keyLen]byte
	history.Position
}

// ParseID reads an event id; an empty one is the zero Places. Its error is ErrID.
func ParseID(id string) (Places, error) {
	switch id {
	case "":
		return Places{}, nil
	case endID:
		return Places{Ended: true}, nil
	}
	if strings.Count(id, ",") >= maxPlaces {
		return Places{}, ErrID
	}
	var p Places
	for one := range strings.SplitSeq(id, ",") {
		key, rest, _ := strings.Cut(one, ".")
		epoch, offset, _ := strings.Cut(rest, ".")
		n, err := strconv.ParseUint(offset, 10, 64)
		if err != nil || !isWord(key) || len(key) != keyLen || !isWord(epoch) || len(epoch) > maxEpoch {
			return Places{}, ErrID
		}
		p.at = append(p.at, place{[keyLen]byte([]byte(key)), history.Position{Epoch: epoch, Offset: n}})
	}
	return p, nil
}

// Of is the place in a Redis channel; zero where the id doesn't tell of it.
func (p Places) Of(channel string) history.Position {
	if len(p.at) == 0 {
		return history.Position{}
	}
	key := keyOf(channel)
	for i := range p.at {
		if p.at[i].key == key {
			return p.at[i].Position
		}
	}
	return history.Position{}
}

// PositionEvent tells of nothing but its id. It is an event, which pages need not listen
// to, since not every browser remembers the id of none.
const PositionEvent = "position"

// AppendMark implements hub.Marker.
func (e Encoder) AppendMark(dst []byte, at []hub.Place) []byte {
	n := len(dst)
	for _, place := range at {
		if place.Epoch == "" {
			continue
		}
		if len(dst) == n {
			dst = append(dst, "event: "+PositionEvent+"\nid: "...)
		} else {
			dst = append(dst, ',')
		}
		dst = appendPlace(dst, place.Channel, place.Epoch, place.Offset)
	}
	if len(dst) == n {
		return dst
	}
	return append(dst, "\ndata:\n\n"...)
}

// Marks implements hub.Marker.
func (e Encoder) Marks() bool { return e.Marked }

func appendPlace(dst []byte, channel, epoch string, offset uint64) []byte {
	key := keyOf(channel)
	dst = append(append(dst, key[:]...), '.')
	dst = append(append(dst, epoch...), '.')
	return strconv.AppendUint(dst, offset, 10)
}

// keyOf is 48 bits of a channel's hash. Where two channels of a client had the same,
// one's epoch would not be the other's, and the client would be told of a gap.
func keyOf(channel string) (key [keyLen]byte) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(channel)) // never fails
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], h.Sum64())
	base64.RawURLEncoding.Encode(key[:], b[:6])
	return key
}

func isWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}
