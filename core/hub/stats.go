package hub

import (
	"sync/atomic"

	"github.com/wsgate/wsgate/core/pubsub/history"
)

// Stats are totals since the hub was made.
type Stats struct {
	// Messages were broadcast to at least one socket.
	Messages uint64
	// Deliveries are messages times the sockets that they were written to or
	// queued for.
	Deliveries uint64
	// Writes are what deliveries took: fewer, where messages were merged.
	Writes uint64
	// Slow are sockets that were closed with 4008.
	Slow uint64
	// Silent are sockets that were closed since they did not answer pings.
	Silent uint64
	// Resumed are subscriptions that went on where a socket of the login had broken
	// off, with all that came since; Unresumed those that could not have all.
	Resumed, Unresumed uint64
}

type stats struct {
	messages, deliveries, writes, slow, silent, resumes, unresumed atomic.Uint64
}

func (st *stats) resumed(s *Start) {
	switch {
	case !s.Resumed:
	case s.Recovered:
		st.resumes.Add(1)
	default:
		st.unresumed.Add(1)
	}
}

// Stats returns the hub's totals.
func (h *Hub) Stats() Stats {
	return Stats{
		Messages:   h.stats.messages.Load(),
		Deliveries: h.stats.deliveries.Load(),
		Writes:     h.stats.writes.Load(),
		Slow:       h.stats.slow.Load(),
		Silent:     h.stats.silent.Load(),
		Resumed:    h.stats.resumes.Load(),
		Unresumed:  h.stats.unresumed.Load(),
	}
}

// History returns the figures of the channels' histories.
func (h *Hub) History() history.Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.history.Stats()
}
