package hub

import (
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsgate/wsgate/core/pubsub/history"
	"github.com/wsgate/wsgate/core/token"
)

// Source is where messages come from: pubsub.Link in production. Its methods are
// called under the hub's lock, in the order in which channels come into use and
// fall out of it. So they must not block, and must not call the hub.
type Source interface {
	Subscribe(channel string)
	Unsubscribe(channel string)
}

// Options are what a hub needs from outside.
type Options struct {
	// Source is told which channels are wanted. Default: none, until SetSource.
	Source Source
	// Log receives the hub's log. Default: slog.Default().
	Log *slog.Logger
	// OnExpire is told, from the wheel's goroutine and at most a tick late, of
	// each socket whose Expires has passed. It must not block. Default: the
	// socket is closed with 4504.
	OnExpire func(*Socket)
	// Notice yields the frames that tell a socket of lost messages, by its Meta.User.
	// It is called under the hub's lock, so it must not block and must not call the
	// hub. Default: nobody is told.
	Notice func(user any) []byte
	// Unsettled is told of channels whose history's numbers have to be settled with
	// the other nodes', by Settle. It is called under the hub's lock, so it must not
	// block and must not call the hub. Default: there are no other nodes.
	Unsettled func(channel string)
	// HistoryBytes is how much the histories of all channels may hold. Default:
	// history.DefaultBytes.
	HistoryBytes int
}

// Hub holds the sockets of a node. Use New.
type Hub struct {
	log       *slog.Logger
	onExpire  func(*Socket)
	notice    func(user any) []byte
	unsettled func(channel string)
	stats     stats

	mu          sync.Mutex
	source      Source
	logins      map[token.Fingerprint]*Socket // heads of the lists through Socket.next
	channels    map[string]*group             // heads of the lists through group.next
	history     *history.Store                // of channels in use, and of some that were
	held        map[string]int                // holds of channels
	closing     map[*Socket]struct{}          // left the indexes, not yet their connection
	open        int                           // connections: in the indexes or closing
	wheel       wheel
	storm       storm
	message     Message  // that is being encoded: here so that it is not allocated
	sealed      []batch  // wait for a flush, and go out before what is in dirty
	dirty       []*group // have frames that wait for a flush
	pending     int      // bytes of both
	buffers     buffers
	marking     uint64  // flushes that marked a socket
	places      []Place // of the socket that is being marked
	breaks      *history.Breaks
	holding     []*history.Ring // have live messages that wait to be numbered, or had
	unconfirmed []*Socket       // to be probed at the next tick
	written     atomic.Uint64   // the newest event that was flushed
	flushing    bool            // one goroutine at a time owns flush
	room        sync.Cond       // pending was written
	panicked    time.Time       // when an encoder last did that was logged
	closed      bool
	resumed     bool          // some socket could be
	empty       chan struct{} // has a value after open became 0

	flush flusher
	done  chan struct{}
	wg    sync.WaitGroup
}

// New makes a hub and starts its wheel. Close ends it.
func New(o Options) *Hub {
	h := &Hub{
		log:       o.Log,
		onExpire:  o.OnExpire,
		notice:    o.Notice,
		unsettled: o.Unsettled,
		source:    o.Source,
		logins:    map[token.Fingerprint]*Socket{},
		channels:  map[string]*group{},
		held:      map[string]int{},
		closing:   map[*Socket]struct{}{},
		empty:     make(chan struct{}, 1),
		done:      make(chan struct{}),
	}
	if h.log == nil {
		h.log = slog.Default()
	}
	if h.onExpire == nil {
		h.onExpire = expire
	}
	h.history = history.New(o.HistoryBytes, time.Now())
	h.breaks = history.NewBreaks()
	h.room.L = &h.mu
	h.flush.raw = newRawWriter()
	h.wheel.start()
	h.spawn("wheel", h.turn)
	return h
}

// Close breaks every connection off and ends the hub's goroutines. Drain first,
// to be polite. A socket that is attached later is broken off too.
func (h *Hub) Close() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.closed = true
	h.room.Broadcast()
	all := h.wheel.all(nil)
	for s := range h.closing {
		all = append(all, s)
	}
	h.mu.Unlock()
	close(h.done)
	for _, s := range all {
		s.kill(true)
	}
	h.wg.Wait()
}

// Count is how many connections are open, those that are being closed included.
func (h *Hub) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open
}

// SetSource changes where messages come from, and asks the new source for every
// channel in use. The old one is not told: its owner closes it.
func (h *Hub) SetSource(s Source) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.source = s
	if s == nil {
		return
	}
	for name := range h.channels {
		s.Subscribe(name)
	}
	h.history.Each(func(r *history.Ring) {
		if h.channels[r.Name()] == nil {
			s.Subscribe(r.Name())
		}
	})
	for name := range h.held {
		if h.channels[name] == nil && h.history.Find(name) == nil {
			s.Subscribe(name)
		}
	}
}

// spawn runs fn in a goroutine that Close waits for, and logs its panic.
func (h *Hub) spawn(what string, fn func()) {
	h.wg.Go(func() {
		defer h.recovered(what)
		fn()
	})
}

// recovered must be deferred itself.
func (h *Hub) recovered(what string) {
	if v := recover(); v != nil {
		h.logPanic(what, v)
	}
}

func (h *Hub) logPanic(what string, v any) {
	h.log.Error("panic in the hub; please report it", "in", what, "panic", v, "stack", string(debug.Stack()))
}
