//go:build linux

package scenario

import (
	"fmt"
	"time"

	"github.com/wsgate/wsgate/bench/internal/payload"
	"github.com/wsgate/wsgate/bench/internal/swarm"
)

// sendShared publishes the next message to everyone, due at a time.
func (r *Rig) sendShared(at int64) {
	r.scratch = payload.Append(r.scratch[:0], payload.Message{Kind: payload.Shared, Time: at, Seq: r.nextShared})
	r.nextShared++
	r.due += uint64(r.Swarm.Len())
	r.publisher.Publish(swarm.Everyone, r.scratch)
}

// sendOwn publishes the next message of socket i.
func (r *Rig) sendOwn(i int, at int64) {
	r.scratch = payload.Append(r.scratch[:0], payload.Message{
		Kind: payload.Own, Time: at, Seq: r.nextOwn[i], Target: uint32(i),
	})
	r.nextOwn[i]++
	r.due++
	r.publisher.Publish(uint32(i), r.scratch)
}

func (r *Rig) sendProbe(target uint32) {
	r.scratch = payload.Append(r.scratch[:0], payload.Message{Kind: payload.Probe, Target: target})
	r.publisher.Publish(target, r.scratch)
}

// reach sends probes until every socket has got one on the shared channel and,
// where asked, one on its own. Nothing else says that a subscription holds.
func (r *Rig) reach(own bool) error {
	if _, err := r.publish(); err != nil {
		return err
	}
	const tries = 40
	for range tries {
		if r.Swarm.SharedReached() >= r.Swarm.Len() {
			break
		}
		r.sendProbe(swarm.Everyone)
		r.publisher.Flush()
		r.Loop.RunUntil(500*time.Millisecond, func() bool { return r.Swarm.SharedReached() >= r.Swarm.Len() })
	}
	for range tries {
		if !own || r.Swarm.OwnReached() >= r.Swarm.Len() {
			break
		}
		r.probeOwn()
		r.Loop.RunUntil(500*time.Millisecond, func() bool { return r.Swarm.OwnReached() >= r.Swarm.Len() })
	}
	shared, mine, all := r.Swarm.SharedReached(), r.Swarm.OwnReached(), r.Swarm.Len()
	r.Swarm.ResetStats()
	if shared < all || own && mine < all {
		return fmt.Errorf("of %d sockets the shared channel reached %d and their own %d", all, shared, mine)
	}
	return nil
}

// probeOwn sends to each socket not yet reached, a few hundred at a time.
func (r *Rig) probeOwn() {
	const atOnce = 200
	for i, sent := r.Swarm.NextUnreached(0), 1; i >= 0; i, sent = r.Swarm.NextUnreached(i+1), sent+1 {
		r.sendProbe(uint32(i))
		if sent%atOnce == 0 {
			r.publisher.Flush()
			r.Loop.RunUntil(time.Second, func() bool { return r.publisher.Waiting() == 0 })
		}
	}
	r.publisher.Flush()
}

// drain waits until all that was published has arrived, or nothing has for
// some seconds, and notes what was not as it should be.
func (r *Rig) drain() {
	const patience = 3 * time.Second
	r.Loop.Tick = func(int64) { r.publisher.Flush() }
	for before := r.Swarm.Delivered(); r.Swarm.Delivered() < r.due; before = r.Swarm.Delivered() {
		r.Loop.RunUntil(patience, func() bool { return r.Swarm.Delivered() >= r.due })
		if r.Swarm.Delivered() == before {
			r.note("%d of %d deliveries did not arrive", r.due-r.Swarm.Delivered(), r.due)
			r.due = before
		}
	}
	r.Loop.Tick = nil
	if s := r.Swarm.Faults.String(); s != "" {
		r.note("%s", s)
	}
	if n := r.publisher.Errors(); n > 0 {
		r.note("%d messages were refused", n)
	}
}
