package hub

import (
	"context"
	"time"

	"github.com/wsgate/wsgate/core/wire"
)

const (
	// drainStep is how often a drain closes sockets.
	drainStep = 20 * time.Millisecond
	// drainRate is how many sockets a second come back without being noticed: a
	// drain of few takes no longer than that, whatever time it was given.
	drainRate = 200
)

// Drain sends every socket away with code, spread evenly over a time, so that clients
// don't all come back at once, and waits until the last connection has ended. It
// takes less time than that where 200 sockets a second are enough. When ctx ends
// first, the rest is closed at once and not waited for.
func (h *Hub) Drain(ctx context.Context, over time.Duration, code wire.CloseCode) {
	h.mu.Lock()
	all := h.wheel.all(nil)
	h.mu.Unlock()
	over = min(over, time.Duration(len(all))*time.Second/drainRate)
	steps := max(1, int(over/drainStep))
	t := time.NewTicker(drainStep)
	defer t.Stop()
	for i, closed := 0, 0; closed < len(all); i++ {
		until := len(all) * min(i+1, steps) / steps
		if ctx.Err() != nil {
			until = len(all)
		}
		for ; closed < until; closed++ {
			all[closed].SendAway(code, code.Meaning())
		}
		if closed < len(all) {
			select {
			case <-t.C:
			case <-ctx.Done():
			}
		}
	}
	for h.Count() > 0 {
		select {
		case <-h.empty:
		case <-ctx.Done():
			return
		}
	}
}
