package pubsub

import "time"

// maxLingering bounds the channels that are subscribed though nobody wants them;
// over it the oldest go at once.
const maxLingering = 65536

// lingering is a channel's place in the queue of those that linger.
type lingering struct {
	c  *channel
	at time.Time
}

// beginLinger keeps a subscription for a while, so that a page that is loaded again
// costs no UNSUBSCRIBE and SUBSCRIBE. The caller holds mu.
func (l *Link) beginLinger(c *channel) {
	c.until = time.Now().Add(max(0, l.o.Linger))
	if c.lingers {
		return // it keeps its place; ended looks at until
	}
	c.lingers = true
	l.linger = append(l.linger, lingering{c, c.until})
	if len(l.linger) == 1 || len(l.linger) > maxLingering {
		l.wakeWriter()
	}
}

// ended takes the channels whose linger is over out of the queue, and says how long
// the next one has; negative means that none lingers. The caller holds mu.
func (l *Link) ended(now time.Time) (over []*channel, next time.Duration) {
	for len(l.linger) > 0 {
		head := l.linger[0]
		if wait := head.at.Sub(now); wait > 0 && len(l.linger) <= maxLingering {
			return over, wait
		}
		l.linger = l.linger[1:]
		switch c := head.c; {
		case c.wanted || !c.sent:
			c.lingers = false
		case c.until.After(now) && len(l.linger) < maxLingering:
			// Wanted and left again since: once more to the back.
			l.linger = append(l.linger, lingering{c, c.until})
		default:
			c.lingers = false
			over = append(over, c)
		}
	}
	l.linger = nil // lets the array go that re-slicing holds on to
	return over, -1
}
