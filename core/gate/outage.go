package gate

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// outage is one thing that logins can't be verified without, and whether it is out
// of order: said in the log when that begins and when it ends, and in a metric
// while it lasts. Safe for concurrent use.
type outage struct {
	what  string
	since atomic.Int64 // Unix nanoseconds; 0: all is well
	ended atomic.Int64 // the last one, in the same way
	fails atomic.Int64 // in a row
}

// Right after an outage one failure is none: that of a single token, with which the
// backend can't cope, would begin and end one with each of its requests.
const (
	outageRest  = 10 * time.Second
	outageFails = 3
)

// gone says that whoever waited has left, such as a page that was closed during its
// handshake. That tells nothing of what it waited for.
func gone(err error) bool { return errors.Is(err, context.Canceled) }

// begin notes a failure.
func (g *Gate) begin(o *outage, err error) {
	if gone(err) {
		return
	}
	now := time.Now()
	if o.fails.Add(1) < outageFails && now.Sub(time.Unix(0, o.ended.Load())) < outageRest {
		return
	}
	if o.since.Load() != 0 || !o.since.CompareAndSwap(0, now.UnixNano()) {
		return
	}
	g.logger().Warn("logins can't be verified", "cause", o.what, "fail", g.failMode(), "error", err)
	g.emit(Event{Kind: EventFailBegin, Reason: o.what})
}

// end notes that it works.
func (g *Gate) end(o *outage) {
	if o.fails.Load() != 0 {
		o.fails.Store(0)
	}
	since := o.since.Load()
	if since == 0 || !o.since.CompareAndSwap(since, 0) {
		return
	}
	o.ended.Store(time.Now().UnixNano())
	g.logger().Info("logins are verified again", "cause", o.what, "after", time.Since(time.Unix(0, since)).Round(time.Millisecond))
	g.emit(Event{Kind: EventFailEnd, Reason: o.what})
}

// failMode is the configured choice for the time of an outage.
func (g *Gate) failMode() string {
	if sh := g.shared.Load(); sh != nil && sh.failClosed {
		return "closed"
	}
	return "open"
}
