package history

import (
	"container/list"
	"time"
)

const (
	// DefaultBytes is how much all rings may hold.
	DefaultBytes = 64 << 20
	// maxShare is how many times over the store holds its largest ring, so that one
	// busy channel does not push out all others.
	maxShare = 16
	// maxIdle is how many rings without a listener may stay.
	maxIdle = 65536
)

// Store holds the rings of a node. Use New.
type Store struct {
	origin time.Time
	max    int
	rings  map[string]*Ring
	idle   list.List // of *Ring, the longest left first
	wheel  wheel
	ended  []string

	seq             uint64 // of messages and other events, over all rings
	bytes, messages int
	evicted         uint64
	broken, filled  uint64
}

// Stats are what a store holds, and what it lost.
type Stats struct {
	// Rings are the channels that have a history now.
	Rings int
	// Messages are those that are kept now, and Bytes what they take.
	Messages, Bytes int
	// Evicted are messages that went before their time, for others' sake, since the
	// store was made.
	Evicted uint64
	// Broken are the rings that began a new epoch since messages may be missing.
	Broken uint64
	// Filled are messages that other nodes had while this one's link was down.
	Filled uint64
}

// New makes a store for so many bytes. Default: DefaultBytes.
func New(maxBytes int, now time.Time) *Store {
	if maxBytes <= 0 {
		maxBytes = DefaultBytes
	}
	return &Store{origin: now, max: maxBytes, rings: map[string]*Ring{}}
}

func (s *Store) since(t time.Time) time.Duration { return t.Sub(s.origin) }

// Tick counts one event in the one order of all channels' messages, and yields its
// number.
func (s *Store) Tick() uint64 {
	s.seq++
	return s.seq
}

// Now is the number of the newest event.
func (s *Store) Now() uint64 { return s.seq }

// Open yields the ring of a channel that has a listener now: the one that is there,
// which keeps at least as much from now on, or a new one. Without a history asked for
// or there already it is nil.
func (s *Store) Open(channel string, keep Keep, now time.Time) *Ring {
	r := s.rings[channel]
	if r == nil {
		if !keep.On() {
			return nil
		}
		r = &Ring{store: s, name: channel, keep: keep, epoch: newEpoch(), began: s.Tick(), slot: -1}
		s.rings[channel] = r
		return r
	}
	if keep.On() {
		r.keep = r.keep.With(keep)
	}
	if r.idle != nil {
		s.idle.Remove(r.idle)
		r.idle = nil
	}
	return r
}

// Find yields the ring of a channel, if it has one.
func (s *Store) Find(channel string) *Ring { return s.rings[channel] }

// Len is how many rings there are.
func (s *Store) Len() int { return len(s.rings) }

// Each calls f for the ring of every channel.
func (s *Store) Each(f func(*Ring)) {
	for _, r := range s.rings {
		f(r)
	}
}

// Leave says that the last listener of a ring's channel has gone. The ring stays for
// as long as its messages would.
func (s *Store) Leave(r *Ring, now time.Time) {
	if r.idle != nil {
		return
	}
	r.left = s.since(now)
	r.idle = s.idle.PushBack(r)
	if r.slot < 0 {
		s.place(r)
	}
	if s.idle.Len() > maxIdle {
		s.remove(s.idle.Front().Value.(*Ring)) //nolint:forcetypeassert // nothing else is in it
	}
}

// remove forgets a ring.
func (s *Store) remove(r *Ring) {
	for r.n > 0 {
		r.drop()
	}
	s.wheel.remove(r)
	s.idle.Remove(r.idle)
	r.idle = nil
	delete(s.rings, r.name)
	s.ended = append(s.ended, r.name)
}

// Sweep forgets what is too old. It yields the channels whose rings have ended since
// the last call; one may have a ring again. It is cheap enough to be called several
// times a second.
func (s *Store) Sweep(now time.Time) (ended []string) {
	at := s.since(now)
	s.wheel.turn(at, func(r *Ring) {
		r.prune(at)
		if r.idle != nil && r.left+r.keep.For <= at {
			s.remove(r)
			return
		}
		if r.n > 0 || r.idle != nil {
			s.place(r)
		}
	})
	ended, s.ended = s.ended, nil
	return ended
}

// place puts a ring on the wheel where it has to be looked at next.
func (s *Store) place(r *Ring) {
	due := r.left + r.keep.For
	if r.n > 0 {
		due = r.at(0).at + r.keep.For
	}
	s.wheel.put(r, due)
}

// evict forgets what would end first, until an eighth of the store is free.
func (s *Store) evict() {
	for goal, before := s.max-s.max/8, -1; s.bytes > goal && s.bytes != before; {
		before = s.bytes
		s.wheel.each(func(r *Ring) bool {
			for half := r.n / 2; r.n > half; s.evicted++ {
				r.drop()
			}
			return s.bytes > goal
		})
	}
}

// Stats returns the store's figures.
func (s *Store) Stats() Stats {
	return Stats{Rings: len(s.rings), Messages: s.messages, Bytes: s.bytes, Evicted: s.evicted, Broken: s.broken, Filled: s.filled}
}
