package hub

import (
	"time"

	"github.com/wsgate/wsgate/core/pubsub/history"
)

const (
	// SettleWait is how long a subscription waits until its channel's numbers hold.
	SettleWait = 500 * time.Millisecond
	// holdWait is how long live messages may wait for that.
	holdWait = 2 * time.Second
)

// Open is a channel whose history is unsettled: its numbers may be wrong, or messages
// may be missing, until Settle.
type Open struct {
	Channel string
	// Round is what Settle has to be told.
	Round uint64
	// At is the position up to which nothing is missing.
	At history.Position
}

// unsettle must be called with Hub.mu held.
func (h *Hub) unsettle(r *history.Ring) {
	if h.unsettled == nil {
		return
	}
	r.Unsettle()
	h.unsettled(r.Name())
}

// hold keeps a live message until the ring is settled. It must be called with Hub.mu
// held.
func (h *Hub) hold(r *history.Ring, payload []byte) {
	if !r.Holding() {
		h.holding = append(h.holding, r)
	}
	if !r.Hold(payload, time.Now()) {
		h.settle(r, nil, nil)
	}
}

// settle must be called with Hub.mu held. What it delivers waits for a flush.
func (h *Hub) settle(r *history.Ring, best *history.Place, older []history.Aged) {
	g, ok := h.channels[r.Name()], true
	r.Settle(best, older, time.Now(), func(offset uint64, payload []byte) {
		if g == nil {
			return
		}
		h.message = Message{Channel: r.Name(), Payload: payload, Epoch: r.Position().Epoch, Offset: offset}
		ok = h.encode(g) && ok
	})
	h.message = Message{}
	if !ok {
		h.gap([]string{r.Name()})
	}
	h.room.Broadcast()
}

// settleOld settles rings that nobody has settled. It must be called with Hub.mu held.
func (h *Hub) settleOld(now time.Time) (any bool) {
	kept := h.holding[:0]
	for _, r := range h.holding {
		switch {
		case !r.Holding() || h.history.Find(r.Name()) != r:
		case now.Sub(r.HeldSince()) < holdWait:
			kept = append(kept, r)
		default:
			h.settle(r, nil, nil)
			any = true
		}
	}
	clear(h.holding[len(kept):])
	h.holding = kept
	return any
}

// awaitSettled waits until the history of a channel is settled that is to be kept, or
// the time is over: SettleWait for all that one call of the hub waits for. It must be
// called with Hub.mu held, which it may release.
func (h *Hub) awaitSettled(channel string, keep history.Keep, until time.Time) {
	if h.unsettled == nil || !keep.On() && h.history.Find(channel) == nil {
		return
	}
	r := h.ring(channel, keep)
	if r.Settled() {
		return
	}
	h.held[channel]++ // the ring must not go while it is waited for
	wake := time.AfterFunc(time.Until(until), h.room.Broadcast)
	for !r.Settled() && !h.closed && time.Now().Before(until) {
		h.room.Wait()
	}
	wake.Stop()
	if h.held[channel]--; h.held[channel] == 0 {
		delete(h.held, channel)
	}
	if h.channels[channel] == nil {
		h.history.Leave(r, time.Now()) // until the subscription follows, if it does
	}
}

// ring opens the history of a channel, and asks the source for it where it is new. It
// must be called with Hub.mu held.
func (h *Hub) ring(channel string, keep history.Keep) *history.Ring {
	had, old := h.wanted(channel), h.history.Find(channel)
	r := h.history.Open(channel, keep, time.Now())
	if r != old {
		h.unsettle(r)
	}
	if !had && h.source != nil {
		h.source.Subscribe(channel)
	}
	return r
}

// Unsettled picks those of the channels whose histories are unsettled.
func (h *Hub) Unsettled(channels []string) (open []Open) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range channels {
		if r := h.history.Find(name); r != nil && !r.Settled() {
			open = append(open, Open{name, r.Round(), r.Position()})
		}
	}
	return open
}

// MarkAll notes that this node's own question for the channels, in these rounds, came
// by, as the count-th question of all nodes. It is for the goroutine that broadcasts.
func (h *Hub) MarkAll(channels []string, rounds []uint64, count uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, name := range channels {
		if r := h.history.Find(name); r != nil && !r.Settled() && r.Round() == rounds[i] {
			r.Mark(count)
		}
	}
}

// Places says how far each channel has got, where this node knows it, in answer to
// another's question, the count-th of all nodes. It is for the goroutine that
// broadcasts.
func (h *Hub) Places(channels []string, count uint64) []*history.Place {
	places := make([]*history.Place, len(channels))
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, name := range channels {
		if r := h.history.Find(name); r != nil {
			if p, ok := r.Place(count, time.Now()); ok {
				places[i] = &p
			}
		}
	}
	return places
}

// Range yields messages of a channel for another node: see history.Ring.Range.
func (h *Hub) Range(channel, epoch string, from, to uint64, most int) []history.Aged {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.history.Find(channel); r != nil {
		return r.Range(epoch, from, to, most, time.Now())
	}
	return nil
}

// Settle tells what was found out of a channel in a round: the place that the nodes
// agree on, nil where nobody knows, and messages up to there. Live messages that were
// held are delivered.
func (h *Hub) Settle(o Open, best *history.Place, older []history.Aged) {
	h.settleRound(o, best, older)
	h.Flush()
}

func (h *Hub) settleRound(o Open, best *history.Place, older []history.Aged) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.history.Find(o.Channel); r != nil && !r.Settled() && r.Round() == o.Round {
		h.settle(r, best, older)
	}
}
