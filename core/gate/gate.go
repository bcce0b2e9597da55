// Package gate is the front door: it connects sockets, guards requests, and
// ties the rooms below it together.
//
// A [Gate] is what handlers of one name share: the sockets, the Redis link, the
// login registry and the caches. It outlives configurations. A [Site] is one
// handler of one configuration: its paths, tokens, origins, guard and limits.
//
// Two walks lead through this package. A token: Site.ServeHTTP, connect or
// guard, token.Finder, introspect.Client, session.Registry, hub.Hub, and the
// wire loop. A message: pubsub.Link, hub.Broadcast, every socket.
//
// All exported methods are safe for concurrent use, but for Close, which comes
// last.
package gate

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

// Options are what the server around a gate provides.
type Options struct {
	// Expand replaces placeholders in configuration values. Default: none are.
	Expand conf.Expand
	// Log receives the gate's log. Default: slog.Default().
	Log *slog.Logger
	// ClientIP yields the client's address, behind trusted proxies too.
	// Default: the host part of RemoteAddr.
	ClientIP func(*http.Request) string
	// OriginalPath yields the path as the client sent it, before any rewrite.
	// Default: r.URL.Path.
	OriginalPath func(*http.Request) string
	// SetUser is told the account of a judged request, for the access log.
	// Default: nobody is.
	SetUser func(r *http.Request, account string)
	// Transport carries the introspection calls. It must be there where the
	// configuration has introspect's transport, and is replaced by each Reconfigure.
	// Default: introspect's own.
	Transport http.RoundTripper
	// OnEvent is told of each event of the audit trail, one after another. It may
	// take its time: up to 1,024 events wait, and what is missed then is counted in
	// the next one's Missed. Default: nobody is told.
	OnEvent func(Event)
}

// Gate is what handlers of one name share.
type Gate struct {
	name   string
	log    atomic.Pointer[slog.Logger]
	shared atomic.Pointer[shared]
	// realm is the backend that this node says the realm is of.
	realm   atomic.Pointer[token.Fingerprint]
	hub     *hub.Hub
	aligner *aligner
	poller  *wire.Poller
	seats   *seats
	returns returns
	// told are the sockets that were accepted only to be told why they are closed.
	told    *seats
	maxTold int
	// issued is the budget of each token for tickets.
	issued *limiters[token.Fingerprint]
	// publishing has a value for each publish of a client that is under way.
	publishing chan struct{}
	// waiting is where sockets are that have not sent their token yet.
	waiting waitingRoom
	drain   atomic.Int64 // time.Duration

	mu        sync.Mutex // over reconfigurations and endpoints
	endpoints map[address]*liveEndpoint

	ctx    context.Context //nolint:containedctx // the life of the gate's goroutines, not of a call
	cancel context.CancelFunc
	wg     sync.WaitGroup
	life   sync.RWMutex // over closed
	closed bool
	quiet  rareLog
	// resumes says that a plain path may; it stays so.
	resumes atomic.Bool

	audit   audit
	onAudit atomic.Pointer[func(Event)]
	// lists has an entry for each list of all logins that is being made.
	lists chan struct{}
	// redisOut and askOut are the outages that a login can't be verified for.
	redisOut, askOut outage

	metrics counters
}

// Open makes a gate. It never blocks: Redis is dialled in the background.
func Open(cfg Config, o Options) (*Gate, error) {
	o = o.withDefaults()
	g := &Gate{
		name:      cfg.GateName(),
		seats:     newSeats(),
		returns:   newReturns(),
		issued:    newLimiters[token.Fingerprint](ticketsPerMinute, ticketsPerMinute),
		endpoints: map[address]*liveEndpoint{},
		lists:     make(chan struct{}, maxLists),

		publishing: make(chan struct{}, maxPublishing),
		waiting:    newWaitingRoom(),
		told:       newSeats(),
		maxTold:    defaultMaxTold,
	}
	g.redisOut.what, g.askOut.what = "redis", "introspect"
	g.audit.server, g.audit.life = make(chan Event, serverEvents), time.Now().UnixMilli()
	g.setOnEvent(o)
	g.log.Store(o.Log)
	g.setDrain(cfg)
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.poller = wire.NewPoller(o.Log)
	g.aligner = newAligner(g)
	g.hub = hub.New(hub.Options{Log: o.Log, OnExpire: g.expired, Notice: gapNotice, Unsettled: g.aligner.add})
	sh, err := g.build(cfg, o, nil)
	if err != nil {
		g.cancel()
		g.hub.Close()
		g.poller.Close()
		return nil, err
	}
	if o.Transport != nil {
		sh.asker.SetTransport(o.Transport)
	}
	g.install(sh)
	g.spawn(g.tellServer)
	g.spawn(func() { g.aligner.run(g.ctx) })
	return g, nil
}

// Reconfigure applies a new configuration of redis, introspect, login and
// secret. Sockets stay, and follow; but where the fingerprints of logins change
// with a new secret or key prefix, clients are asked to reconnect.
func (g *Gate) Reconfigure(cfg Config, o Options) error {
	o = o.withDefaults()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.log.Store(o.Log)
	g.setOnEvent(o)
	g.setDrain(cfg)
	old := g.shared.Load()
	sh, err := g.build(cfg, o, old)
	if err != nil {
		return err
	}
	if o.Transport != nil {
		// Also where nothing changed: the one before belongs to the server's
		// configuration that is about to end.
		sh.asker.SetTransport(o.Transport)
	}
	if sh == old {
		return nil
	}
	g.install(sh)
	if sh.key != old.key {
		g.spawn(func() { g.hub.Drain(g.ctx, g.drainTime(), wire.CloseRestarting) })
	}
	old.retire(sh)
	return nil
}

func (g *Gate) setOnEvent(o Options) {
	if o.OnEvent == nil {
		g.onAudit.Store(nil)
		return
	}
	g.onAudit.Store(&o.OnEvent)
}

func (g *Gate) setDrain(cfg Config) {
	g.drain.Store(int64(cfg.drain()))
}

func (g *Gate) drainTime() time.Duration { return time.Duration(g.drain.Load()) }

// Ready says whether Redis is reachable.
func (g *Gate) Ready() bool { return g.shared.Load().link.Ready() }

// HasSockets says whether any socket is open, so that Close would take time.
func (g *Gate) HasSockets() bool { return g.hub.Count() > 0 }

// Close asks every client to reconnect elsewhere, spread over the drain time,
// and ends everything that Open started.
func (g *Gate) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), g.drainTime()+closeGrace)
	defer cancel()
	g.hub.Drain(ctx, g.drainTime(), wire.CloseGoingAway)
	g.audit.close()
	g.cancel()
	g.hub.Close()
	sh := g.shared.Load()
	if g.hub.Resumable() {
		// Its clients go to other nodes, which can't know where they were.
		sh.peers.Leave()
	}
	sh.retire(nil)
	g.life.Lock()
	g.closed = true
	g.life.Unlock()
	g.wg.Wait()
	g.poller.Close()
	return nil
}

// closeGrace is for the last clients to answer a close frame.
const closeGrace = 2 * time.Second

// spawn runs fn in a goroutine that Close waits for, and keeps its panics from
// ending the server.
func (g *Gate) spawn(fn func()) {
	safe := func() {
		var err error
		defer g.recovered("socket", &err)
		fn()
	}
	g.life.RLock()
	defer g.life.RUnlock()
	if g.closed {
		go safe() // the hub is closed as well: it ends by itself
		return
	}
	g.wg.Go(safe)
}

// recovered turns a panic into a logged error. It must be deferred itself.
func (g *Gate) recovered(what string, err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("gate: %s: internal error", what)
		g.logger().Error("panic in wsgate; please report it", "in", what, "panic", v, "stack", string(debug.Stack()))
	}
}

func (g *Gate) logger() *slog.Logger { return g.log.Load() }

// trouble logs what would repeat with every request, at most once a second.
func (g *Gate) trouble(msg string, err error) {
	if gone(err) {
		return
	}
	if n, ok := g.quiet.due(time.Now()); ok {
		g.logger().Warn(msg, "error", err, "suppressed", n)
	}
}

// rareLog lets one message a second through and counts the rest.
type rareLog struct {
	last    atomic.Int64
	dropped atomic.Int64
}

func (l *rareLog) due(now time.Time) (suppressed int64, ok bool) {
	last := l.last.Load()
	if now.UnixNano()-last < int64(time.Second) || !l.last.CompareAndSwap(last, now.UnixNano()) {
		l.dropped.Add(1)
		return 0, false
	}
	return l.dropped.Swap(0), true
}
