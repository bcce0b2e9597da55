package history

import (
	"bytes"
	"container/list"
	"crypto/rand"
	"encoding/base64"
	"time"
)

// Keep is how much of a channel is kept.
type Keep struct {
	// Messages is how many. Zero: the channel has no history.
	Messages int
	// For is how long.
	For time.Duration
}

// On says that there is a history.
func (k Keep) On() bool { return k.Messages > 0 && k.For > 0 }

// With is the larger of both: what suffices for two rules of one channel.
func (k Keep) With(o Keep) Keep {
	return Keep{max(k.Messages, o.Messages), max(k.For, o.For)}
}

// Position is a place in a channel: the offset of a message, or 0 before the first.
// One without an epoch is none, and can't be recovered.
type Position struct {
	Epoch  string
	Offset uint64
}

// Entry is one message of a ring.
type Entry struct {
	Offset uint64
	// Payload must not be changed; it may be kept.
	Payload []byte
}

// Ring is the history of one channel.
type Ring struct {
	store *Store
	name  string
	keep  Keep
	epoch string
	began uint64 // Store.seq when the epoch began

	// messages[(first+i)%len] for i below n, the oldest first; top is the offset
	// of the newest, whether it is still here or not.
	messages []stored
	first, n int
	top      uint64
	bytes    int
	// dropped is the seq of the newest message that is no longer here.
	dropped uint64

	open *unsettled // nil: settled

	left  time.Duration // when the last listener went
	idle  *list.Element // in Store.idle; nil while there are listeners
	slot  int           // on the store's wheel; -1: not there
	index int
}

// stored is one message; at is when it came, since Store.origin, and seq the store's
// count when it did.
type stored struct {
	payload []byte
	at      time.Duration
	seq     uint64
}

// overhead is what a message costs beside its payload, in bytes, about.
const overhead = 64

// newEpoch is 48 random bits, so that no two epochs of a channel are ever the same.
func newEpoch() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Name is the Redis channel.
func (r *Ring) Name() string { return r.name }

// Position is that of the newest message.
func (r *Ring) Position() Position { return Position{r.epoch, r.top} }

// Add takes a copy of the next message's payload and yields its offset.
func (r *Ring) Add(payload []byte, now time.Time) uint64 {
	return r.add(bytes.Clone(payload), r.store.since(now))
}

// add keeps payload itself.
func (r *Ring) add(payload []byte, at time.Duration) uint64 {
	s := r.store
	if r.n == r.keep.Messages {
		r.drop()
	}
	if r.n == len(r.messages) {
		r.grow()
	}
	r.messages[(r.first+r.n)%len(r.messages)] = stored{payload, at, s.Tick()}
	r.n++
	r.top++
	r.bytes += len(payload) + overhead
	s.bytes += len(payload) + overhead
	s.messages++
	for r.bytes > s.max/maxShare {
		r.drop()
		s.evicted++
	}
	if s.bytes > s.max {
		s.evict()
	}
	if r.slot < 0 && r.n > 0 {
		s.place(r)
	}
	return r.top
}

func (r *Ring) grow() {
	all := make([]stored, min(max(8, 2*r.n), r.keep.Messages))
	for i := range r.n {
		all[i] = *r.at(i)
	}
	r.messages, r.first = all, 0
}

// at is the i-th message, from the oldest.
func (r *Ring) at(i int) *stored { return &r.messages[(r.first+i)%len(r.messages)] }

// drop forgets the oldest message.
func (r *Ring) drop() {
	m := r.at(0)
	size := len(m.payload) + overhead
	r.dropped = m.seq
	*m = stored{}
	r.first = (r.first + 1) % len(r.messages)
	r.n--
	r.bytes -= size
	r.store.bytes -= size
	r.store.messages--
	if r.n == 0 {
		r.messages, r.first = nil, 0
	}
}

// prune forgets what is too old.
func (r *Ring) prune(now time.Duration) {
	for r.n > 0 && r.at(0).at+r.keep.For <= now {
		r.drop()
	}
}

// Since yields what came after p, the oldest first. ok is false where that is not
// known to be all: p is of another epoch, or is followed by messages that are no
// longer here.
func (r *Ring) Since(p Position, now time.Time) (missed []Entry, ok bool) {
	r.prune(r.store.since(now))
	oldest := r.top - uint64(r.n) + 1 //nolint:gosec // never negative
	if p.Epoch != r.epoch || p.Offset > r.top || p.Offset+1 < oldest {
		return nil, false
	}
	for i := int(p.Offset + 1 - oldest); i < r.n; i++ { //nolint:gosec // below r.n
		missed = append(missed, Entry{oldest + uint64(i), r.at(i).payload}) //nolint:gosec // as above
	}
	return missed, true
}

// Begin is the position before the oldest message that is here.
func (r *Ring) Begin(now time.Time) Position {
	r.prune(r.store.since(now))
	return Position{r.epoch, r.top - uint64(r.n)} //nolint:gosec // never negative
}

// Last yields the newest message, where there is one.
func (r *Ring) Last(now time.Time) (Entry, bool) {
	r.prune(r.store.since(now))
	if r.n == 0 {
		return Entry{}, false
	}
	return Entry{r.top, r.at(r.n - 1).payload}, true
}

// At is the position that the channel had when Store.Tick yielded tick: that of the
// newest message up to there. Where that is not known it is no position.
func (r *Ring) At(tick uint64) Position {
	if tick < r.began || tick < r.dropped {
		return Position{}
	}
	i := r.n
	for i > 0 && r.at(i-1).seq > tick {
		i--
	}
	return Position{r.epoch, r.top - uint64(r.n-i)} //nolint:gosec // never negative
}

// Break begins a new epoch: messages may be missing here.
func (r *Ring) Break() { r.renew(newEpoch(), 0) }
