package hub

import (
	"slices"
	"time"

	"github.com/wsgate/wsgate/core/pubsub/history"
)

// Wish is one of several subscriptions.
type Wish struct {
	Channel string
	Encoder Encoder
	From    From
}

// SubscribeTogether is SubscribeFrom for several channels, with one first batch for
// all: first gets their Starts, in the order of the wishes. What s listens to already
// must not be among them. false: s is closed.
func (h *Hub) SubscribeTogether(s *Socket, wishes []Wish, first func(dst []byte, starts []Start) []byte) bool {
	if !h.subscribeTogether(s, wishes, first) {
		return false
	}
	h.Flush()
	return true
}

func (h *Hub) subscribeTogether(s *Socket, wishes []Wish, first func(dst []byte, starts []Start) []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.awaitRoom()
	until := time.Now().Add(SettleWait)
	for i := range wishes {
		h.awaitSettled(wishes[i].Channel, wishes[i].From.Keep, until)
	}
	if s.gone {
		return false
	}
	groups, starts, now := make([]*group, len(wishes)), make([]Start, len(wishes)), time.Now()
	for i := range wishes {
		w := &wishes[i]
		g := h.group(w.Channel, w.Encoder, w.From.Keep)
		h.seal(g)
		if g.ring != nil && w.From.Keep.On() {
			starts[i].from(g.ring, &w.From, now)
			h.stats.resumed(&starts[i])
		}
		groups[i] = g
	}
	done := false
	defer func() {
		for i, g := range groups {
			if !done && !slices.Contains(groups[:i], g) { // first panicked
				h.dropEmpty(g)
			}
		}
	}()
	h.private(s, first(h.buffers.get(), starts))
	for _, g := range groups {
		g.add(s)
	}
	done = true
	return true
}

// Past yields what a channel's history has after a position, or all of it after the
// zero one, in order: at most n messages, the newest or the oldest of them; and where
// the channel is. ok is false where the channel has no history, or none that goes back
// so far.
func (h *Hub) Past(channel string, since history.Position, n int, newest bool) (past []Message, at history.Position, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.history.Find(channel)
	if r == nil {
		return nil, at, false
	}
	at = r.Position()
	if since == (history.Position{}) {
		since = r.Begin(time.Now())
	}
	entries, ok := r.Since(since, time.Now())
	if extra := len(entries) - n; extra > 0 && newest {
		entries = entries[extra:]
	}
	for _, e := range entries[:min(n, len(entries))] {
		past = append(past, Message{Channel: channel, Payload: e.Payload, Epoch: at.Epoch, Offset: e.Offset})
	}
	return past, at, ok
}
