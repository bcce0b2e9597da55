package pubsub

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// settleEvery is how often channels are put where they belong while a server is
	// away or has given some to another one, and restEvery how often else.
	settleEvery = 250 * time.Millisecond
	restEvery   = 10 * time.Second
)

// Cluster is what Shards need of a Redis Cluster.
type Cluster struct {
	// Client knows which server has which channel.
	Client *redis.ClusterClient
	// Open makes the client of the link to one server, as New's open does.
	Open func(addr string, wrap DialWrap) *redis.Client
	// OpenControl makes that of the link for the channels that are not sharded.
	OpenControl func(wrap DialWrap) *redis.Client
	// Control says which these are.
	Control func(channel string) bool
}

// Shards are the links to a Redis Cluster whose channels are sharded (SSUBSCRIBE,
// Redis 7): one to each master that has some of the channels, and one for those that
// are not. They are used like a Link, and the Handler is called as a Link calls it:
// never at once, though by several goroutines.
//
// A channel follows its slot to another server: it is told as a gap when the old one
// lets it go, and again when it is live at the new one.
type Shards struct {
	cluster Cluster
	control *Link
	handler Handler
	options Options
	cancel  context.CancelFunc
	done    chan struct{}
	wake    chan struct{}

	calls sync.Mutex // over the Handler

	where map[string]string // the server of each channel; run's alone

	// mu is never held over I/O, a call of the Handler, or a link's mu.
	mu      sync.Mutex
	links   map[string]*Link // by server; only run changes it
	wanted  map[string]*placement
	changed map[string]struct{} // wanted or not since run looked
	strayed bool                // some server has let a channel go
}

// placement says on which server's link a channel is.
type placement struct {
	addr string        // "" until that is known
	at   chan struct{} // closed when addr is set, or the channel is wanted no more
}

// NewShards starts the link for the channels that are not sharded; the others come
// with the channels. It does not wait for a connection.
func NewShards(c Cluster, h Handler, o Options) *Shards {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Shards{
		cluster: c, options: o, cancel: cancel,
		done: make(chan struct{}), wake: make(chan struct{}, 1),
		where: map[string]string{}, links: map[string]*Link{},
		wanted: map[string]*placement{}, changed: map[string]struct{}{},
	}
	s.handler = s.serial(h.withDefaults())
	s.control = New(c.OpenControl, s.handler, o)
	s.handler.Up = nil // of all links, the one for the control channels says this
	s.options.sharded, s.options.moved = true, s.stray
	go s.run(ctx)
	return s
}

// serial has one call of the handler follow the other.
func (s *Shards) serial(h Handler) Handler {
	locked := func(f func()) {
		s.calls.Lock()
		defer s.calls.Unlock()
		f()
	}
	return Handler{
		Message: func(channel string, payload []byte) {
			s.calls.Lock()
			defer s.calls.Unlock()
			h.Message(channel, payload)
		},
		Flush: func() { locked(h.Flush) },
		Gap:   func(channels []string) { locked(func() { h.Gap(channels) }) },
		Live:  func() { locked(h.Live) },
		Up:    func() { locked(h.Up) },
		Down:  func(err error) { locked(func() { h.Down(err) }) },
	}
}

// Subscribe is as with a Link.
func (s *Shards) Subscribe(name string) {
	if s.cluster.Control(name) {
		s.control.Subscribe(name)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted[name] == nil {
		s.wanted[name] = &placement{at: make(chan struct{})}
		s.changed[name] = struct{}{}
		s.poke()
	}
}

// Unsubscribe is as with a Link.
func (s *Shards) Unsubscribe(name string) {
	if s.cluster.Control(name) {
		s.control.Unsubscribe(name)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.wanted[name]
	if p == nil {
		return
	}
	if p.addr == "" {
		close(p.at)
	}
	delete(s.wanted, name)
	s.changed[name] = struct{}{}
	s.poke()
}

// Await is as with a Link.
func (s *Shards) Await(ctx context.Context, name string) error {
	if s.cluster.Control(name) {
		return s.control.Await(ctx, name)
	}
	for {
		s.mu.Lock()
		p := s.wanted[name]
		if p == nil {
			s.mu.Unlock()
			return ErrNotAsked
		}
		link := s.links[p.addr]
		s.mu.Unlock()
		at, moved := p.at, (<-chan time.Time)(nil)
		if link != nil {
			err := link.Await(ctx, name)
			if !errors.Is(err, ErrNotAsked) {
				return err
			}
			at, moved = nil, time.After(settleEvery/10) // it is on its way elsewhere
		}
		select {
		case <-at:
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Live is as with a Link.
func (s *Shards) Live(name string) bool {
	if s.cluster.Control(name) {
		return s.control.Live(name)
	}
	s.mu.Lock()
	var link *Link
	if p := s.wanted[name]; p != nil {
		link = s.links[p.addr]
	}
	s.mu.Unlock()
	return link != nil && link.Live(name)
}

// Ready reports whether all links are up, and all channels on one.
func (s *Shards) Ready() bool { return s.control.Ready() && s.settled() }

// Close ends all links and waits for their goroutines.
func (s *Shards) Close() {
	s.cancel()
	<-s.done
	s.control.Close()
}

// stray is told by a link that its server has some channel no more.
func (s *Shards) stray() {
	s.mu.Lock()
	s.strayed = true
	s.mu.Unlock()
	s.poke()
}

func (s *Shards) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
