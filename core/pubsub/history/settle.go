package history

import (
	"bytes"
	"time"
)

// A ring whose numbers may be wrong is unsettled: it is new, and other nodes may have
// numbered the channel already, or messages may be missing, and other nodes may have
// them. Until it is settled, live messages are held and have no number. What settles
// it is the position of another node at a place in Redis' order that both have seen:
// the node's own question, which it marks when it comes by.

// unsettled is what a ring has meanwhile.
type unsettled struct {
	// round is new whenever more may be missing: what was found out before is void.
	round uint64
	// next is the epoch that begins where nobody knows better.
	next string
	held []stored
	size int
	// marked is how many were held when the node's question came by, at the count
	// of all questions; -1 before.
	marked int
	count  uint64
}

// Settled says whether the ring's numbers hold.
func (r *Ring) Settled() bool { return r.open == nil }

// Unsettle says that messages may be missing from here on, or that the ring is new.
// It must not be called while messages are held.
func (r *Ring) Unsettle() {
	r.open = &unsettled{round: r.store.Tick(), next: newEpoch(), marked: -1}
}

// Holding says that live messages wait for their numbers.
func (r *Ring) Holding() bool { return r.open != nil && len(r.open.held) > 0 }

// Hold takes a copy of a live message's payload. It says whether there is room for
// more, in which bounds a ring has.
func (r *Ring) Hold(payload []byte, now time.Time) (room bool) {
	o := r.open
	o.held = append(o.held, stored{payload: bytes.Clone(payload), at: r.store.since(now)})
	o.size += len(payload) + overhead
	return len(o.held) < r.keep.Messages && o.size < r.store.max/maxShare
}

// HeldSince is when the oldest held message came.
func (r *Ring) HeldSince() time.Time { return r.store.origin.Add(r.open.held[0].at) }

// Round is the round of an unsettled ring.
func (r *Ring) Round() uint64 { return r.open.round }

// Mark notes, of an unsettled ring, that this node's own question came by, as the count-th of all.
func (r *Ring) Mark(count uint64) { r.open.marked, r.open.count = len(r.open.held), count }

// Place is what a node says of a channel, at a place in Redis' order.
type Place struct {
	Position
	// Oldest is the offset of the oldest message that is kept, one more than
	// Position's where none is.
	Oldest uint64
	// Settled says that the numbers hold. Else they will, if nobody knows better; and
	// of several nodes that say so the one that asked first is right, which counted
	// the most questions since: Questions.
	Settled   bool
	Questions uint64
}

// Better says whether p is to be believed rather than o.
func (p *Place) Better(o *Place) bool {
	switch {
	case p.Settled != o.Settled:
		return p.Settled
	case p.Questions != o.Questions:
		return p.Questions > o.Questions
	}
	return p.Epoch < o.Epoch // they disagree already; let the newcomers agree
}

// Place is what the ring says to another node's question, the count-th of all; ok is
// false where it has nothing to say.
func (r *Ring) Place(count uint64, now time.Time) (p Place, ok bool) {
	o := r.open
	if o == nil {
		r.prune(r.store.since(now))
		return Place{Position: r.Position(), Oldest: r.top - uint64(r.n) + 1, Settled: true}, true //nolint:gosec // never negative
	}
	if o.marked < 0 {
		return Place{}, false
	}
	n := uint64(len(o.held))
	return Place{Position: Position{o.next, n}, Oldest: n + 1, Questions: count - o.count}, true
}

// Aged is a message of another node's ring.
type Aged struct {
	Offset  uint64        `json:"o"`
	Age     time.Duration `json:"a"`
	Payload []byte        `json:"p"`
}

// Range yields the messages between two offsets, both included, the newest ones where
// they have more than so many bytes.
func (r *Ring) Range(epoch string, from, to uint64, most int, now time.Time) (all []Aged) {
	if epoch != r.epoch || r.open != nil || from == 0 || to > r.top {
		return nil
	}
	missed, ok := r.Since(Position{epoch, from - 1}, now)
	if !ok {
		return nil
	}
	missed = missed[:min(len(missed), int(to-from+1))] //nolint:gosec // bounded by missed
	first := len(missed)
	for ; first > 0 && most > 0; first-- {
		most -= len(missed[first-1].Payload) + overhead
	}
	at := r.n - int(r.top-from+1) //nolint:gosec // the index of from
	for i := first; i < len(missed); i++ {
		all = append(all, Aged{missed[i].Offset, r.store.since(now) - r.at(at+i).at, missed[i].Payload})
	}
	return all
}

// Settle ends the state of being unsettled: best is what the nodes said at the mark, nil
// where nobody knows better; and older are messages up to there. For each message that
// sockets have not got yet, in order, deliver is called after it was added.
func (r *Ring) Settle(best *Place, older []Aged, now time.Time, deliver func(offset uint64, payload []byte)) {
	o := r.open
	r.open = nil
	at := r.store.since(now)
	held := o.held
	switch {
	case best == nil || o.marked < 0 || best.Offset < uint64(o.marked),
		best.Epoch == r.epoch && best.Offset-uint64(o.marked) < r.top: // nonsense: trust nobody
		r.renew(o.next, 0)
	case best.Epoch == r.epoch && best.Settled && r.meets(best.Offset-uint64(o.marked), older):
		for _, m := range older {
			if m.Offset > r.top && m.Offset <= best.Offset-uint64(o.marked) {
				deliver(r.add(m.Payload, at-m.Age), m.Payload)
				r.store.filled++
			}
		}
	default:
		top := best.Offset - uint64(o.marked)
		r.renew(best.Epoch, top)
		r.adopt(older, top, at)
	}
	for _, m := range held {
		deliver(r.add(m.payload, m.at), m.payload)
	}
}

// meets says whether nothing is missing between the ring and top, with these.
func (r *Ring) meets(top uint64, older []Aged) bool {
	next := r.top + 1
	for _, m := range older {
		if m.Offset == next {
			next++
		}
	}
	return next > top && r.top <= top
}

// adopt takes the messages of another node, as far as they end at top.
func (r *Ring) adopt(older []Aged, top uint64, at time.Duration) {
	i := len(older)
	for i > 0 && older[i-1].Offset > top {
		i--
	}
	older = older[:i]
	for next := top; i > 0 && older[i-1].Offset == next; next-- {
		i--
	}
	older = older[i:]
	r.top = top - uint64(len(older))
	for _, m := range older {
		r.add(m.Payload, at-m.Age)
	}
}

// renew begins another epoch. What came before can't be recovered any more, and is
// forgotten.
func (r *Ring) renew(epoch string, top uint64) {
	fresh := r.top == 0 && r.n == 0
	for r.n > 0 {
		r.drop()
	}
	r.epoch, r.top, r.began = epoch, top, r.store.Tick()
	if !fresh {
		r.store.broken++
	}
}
