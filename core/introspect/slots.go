package introspect

import (
	"context"
	"sync/atomic"
)

// The most calls that wait for a place. Each is a goroutine for at most the
// timeout.
const (
	maxWaiting      = 1024
	maxWaitingKnown = 8192
)

// slots bounds the calls under way. Calls for unknown tokens get at most the
// half that is not kept for known accounts, so a flood of invented tokens locks
// no account out.
type slots struct {
	all, unknown chan struct{}
	// waitingKnown and waitingUnknown count who waits.
	waitingKnown, waitingUnknown atomic.Int64
}

func newSlots(n int) *slots {
	return &slots{all: make(chan struct{}, n), unknown: make(chan struct{}, n-n/2)}
}

// acquire waits for a place until ctx ends. Errors: ErrOverloaded, ctx.Err().
func (s *slots) acquire(ctx context.Context, known bool) error {
	waiting, most := &s.waitingUnknown, int64(maxWaiting)
	if known {
		waiting, most = &s.waitingKnown, maxWaitingKnown
	}
	defer waiting.Add(-1)
	if waiting.Add(1) > most {
		return ErrOverloaded
	}
	if !known {
		if err := take(ctx, s.unknown); err != nil {
			return err
		}
	}
	if err := take(ctx, s.all); err != nil {
		if !known {
			<-s.unknown
		}
		return err
	}
	return nil
}

func take(ctx context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slots) release(known bool) {
	<-s.all
	if !known {
		<-s.unknown
	}
}
