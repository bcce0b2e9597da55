package hub

import (
	"context"
	"time"

	"github.com/wsgate/wsgate/core/wire"
)

// drainStep is how often a drain closes sockets.
const drainStep = 20 * time.Millisecond

// Drain closes every socket with code, spread evenly over a time, so that clients
// don't all come back at once, and waits until the last connection has ended.
// When ctx ends first, the rest is closed at once and not waited for.
func (h *Hub) Drain(ctx context.Context, over time.Duration, code wire.CloseCode) {
	h.mu.Lock()
	all := h.wheel.all(nil)
	h.mu.Unlock()
	steps := max(1, int(over/drainStep))
	t := time.NewTicker(drainStep)
	defer t.Stop()
	for i, closed := 0, 0; closed < len(all); i++ {
		until := len(all) * min(i+1, steps) / steps
		if ctx.Err() != nil {
			until = len(all)
		}
		for ; closed < until; closed++ {
			all[closed].Close(code, code.Meaning())
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
