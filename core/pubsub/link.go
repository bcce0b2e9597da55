package pubsub

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/redisconn"
)

// DialWrap is put around the dialer of the link's client.
type DialWrap = redisconn.DialWrap

// Link is one subscription connection, kept up. Make it with [New].
type Link struct {
	h      Handler
	o      Options
	client *redis.Client
	cancel context.CancelFunc
	done   chan struct{}
	wake   chan struct{} // tells the writer that there is something to do
	up     atomic.Bool

	// mu guards what follows. It is never held over I/O or a call of the Handler.
	mu       sync.Mutex
	channels map[string]*channel
	changed  []*channel  // whose state and the server's may differ
	alone    []*channel  // to be subscribed by a command of their own
	refused  []*channel  // by the server's access rules; tried again now and then
	linger   []lingering // in the order in which they end
	inFlight []command   // written and not answered, oldest first
	outage   bool        // what is asked for now may be live too late: see channel.gap
	down     bool        // the Handler knows of the outage
	dialed   net.Conn    // what the last dial gave
	mayDial  bool        // lets exactly one dial through
}

// channel is one Redis channel on the link.
type channel struct {
	name    string
	wanted  bool          // somebody listens
	sent    bool          // the last command about it on this connection is SUBSCRIBE
	live    bool          // the server has confirmed that
	gap     bool          // to be told when it is live: an outage lies between
	refused bool          // is in Link.refused
	lingers bool          // is in Link.linger
	until   time.Time     // end of the linger
	waiting chan struct{} // closed when it is live or refused; nil: nobody awaits it
}

// New starts a link. It calls open once, for a client of its own that it closes
// with itself; the client's dialer must have the given wrapper around it, as
// [redisconn.Options] does. Without a client (nil) the link stays down. New does not
// wait for a connection.
func New(open func(wrap DialWrap) *redis.Client, h Handler, o Options) *Link {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Link{
		h: h.withDefaults(), o: o.withDefaults(), cancel: cancel,
		done: make(chan struct{}), wake: make(chan struct{}, 1),
		channels: make(map[string]*channel), outage: o.Replaces,
	}
	l.client = open(l.catch)
	go l.run(ctx)
	return l
}

// Subscribe puts a channel on the link; one that is on it already stays. During an
// outage it waits there for the connection.
func (l *Link) Subscribe(name string) { l.subscribe(name, false) }

// subscribe is Subscribe; after says that the channel was live elsewhere before.
func (l *Link) subscribe(name string, after bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.channels[name]
	if c == nil {
		c = &channel{name: name, gap: l.outage || after}
		l.channels[name] = c
	}
	if c.wanted {
		return
	}
	c.wanted = true
	if !c.sent {
		l.touch(c)
	}
}

// Unsubscribe takes a channel off the link, after the linger.
func (l *Link) Unsubscribe(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.channels[name]
	if c == nil || !c.wanted {
		return
	}
	c.wanted = false
	if !c.sent {
		delete(l.channels, name)
		if c.waiting != nil {
			close(c.waiting)
			c.waiting = nil
		}
		return
	}
	l.beginLinger(c)
}

// Live reports whether messages of a channel arrive.
func (l *Link) Live(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.channels[name]
	return c != nil && c.live
}

// Ready reports whether the link is up: connected, and subscribed to everything
// that was asked for before it was.
func (l *Link) Ready() bool { return l.up.Load() }

// Close ends the link and waits for its goroutines. The Handler is not called
// after it. Closing again does nothing.
func (l *Link) Close() {
	l.cancel()
	<-l.done
}

// touch has the writer look at c. The caller holds mu.
func (l *Link) touch(c *channel) {
	l.changed = append(l.changed, c)
	l.wakeWriter()
}

func (l *Link) wakeWriter() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
