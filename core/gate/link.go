package gate

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/peer"
	"github.com/wsgate/wsgate/core/pubsub"
	"github.com/wsgate/wsgate/core/redisconn"
	"github.com/wsgate/wsgate/core/session"
)

// openLink opens this node's one subscription connection. Business messages and
// the registry's events share it, and so keep Redis' one order. With sharded channels
// there is one to each server that has some, and no such order.
func (g *Gate) openLink(sh *shared, cfg Config, o Options) (link, error) {
	var openErr error
	client := func(wrap pubsub.DialWrap, open func(redisconn.Options) (*redis.Client, error)) *redis.Client {
		c, err := open(redisconn.Options{ClientName: "wsgate-link", WrapDial: wrap})
		if err != nil {
			// Opened once before, with the same configuration, it can't fail
			// here but by a file that has just gone.
			o.Log.Error("redis link could not be opened", "error", err)
		}
		return c
	}
	open := func(wrap pubsub.DialWrap) *redis.Client {
		return client(wrap, func(ro redisconn.Options) (c *redis.Client, err error) {
			c, openErr = redisconn.OpenLink(cfg.Redis, o.Expand, ro)
			return c, openErr
		})
	}
	handler := pubsub.Handler{
		Message: g.message,
		Flush:   g.hub.Flush,
		Gap:     g.gap,
		Live:    g.aligner.kick,
		Up: func() {
			g.up()
			if sh.login {
				g.spawn(func() { g.warnEviction(sh.rdb) })
			}
		},
		Down: func(err error) {
			if sh := g.shared.Load(); sh != nil {
				sh.peers.Down()
			}
			g.trouble("redis link is down; sockets stay", err)
		},
	}
	options := pubsub.Options{
		Log: o.Log,
		// What the old link's Redis publishes meanwhile is lost, and told.
		Replaces: g.shared.Load() != nil,
	}
	cluster, ok := sh.rdb.(*redis.ClusterClient)
	if !ok || !cfg.Redis.ShardedPubsub {
		l := pubsub.New(open, handler, options)
		return l, openErr
	}
	l := pubsub.NewShards(pubsub.Cluster{
		Client:      cluster,
		OpenControl: open,
		Control:     func(channel string) bool { return strings.HasPrefix(channel, cfg.keyPrefix()) },
		Open: func(addr string, wrap pubsub.DialWrap) *redis.Client {
			return client(wrap, func(ro redisconn.Options) (*redis.Client, error) {
				return redisconn.OpenNode(cfg.Redis, addr, o.Expand, ro)
			})
		},
	}, handler, options)
	return l, openErr
}

// openPeers makes this node's side of the conversation between nodes.
func (g *Gate) openPeers(sh *shared, cfg Config, o Options) *peer.Peers {
	p := peer.New(sh.rdb, peer.Options{
		// Pub/sub is one space for all databases of a server.
		Channel: cfg.keyPrefix() + strconv.Itoa(redisconn.DB(sh.rdb)) + ":" + sh.key.Label("realm", cfg.GateName()).String() + ":peers",
		Late:    func() { g.spawn(g.lateNode) },
		Log:     o.Log,
	})
	p.Answer(askSockets, g.answerSockets)
	p.Answer(askPlaces, g.aligner.answerPlaces)
	p.Answer(askLeftOff, g.answerLeftOff)
	p.Answer(askMessages, g.aligner.answerMessages)
	return p
}

// message routes one Redis message: the registry's own, another node's, or for
// sockets.
func (g *Gate) message(channel string, payload []byte) {
	if sh := g.shared.Load(); sh != nil && strings.HasPrefix(channel, sh.cfg.keyPrefix()) {
		if sh.registry != nil && channel == sh.registry.EventChannel() {
			sh.registry.HandleEvent(payload)
			return
		}
		if sh.peers.Handle(channel, payload) {
			return
		}
	}
	g.hub.Broadcast(channel, payload)
}

// up is the link's: every channel is subscribed on a new connection, and what
// was published in between is lost.
func (g *Gate) up() {
	sh := g.shared.Load()
	if sh == nil {
		return
	}
	if sh.reconciler != nil {
		sh.reconciler.Kick()
	}
	sh.peers.Up()
	g.spawn(func() {
		sh.peers.Greet(g.ctx)
		g.noteNode()
	})
}

// gap tells those who can be told that messages may be missing.
func (g *Gate) gap(channels []string) {
	g.metrics.gaps.Add(uint64(len(channels)))
	g.hub.Gap(channels)
}

// gapNotice is what a socket's path says of lost messages.
func gapNotice(user any) []byte {
	if cl, ok := user.(*client); ok {
		return cl.site.load().notices.gap.frame
	}
	return nil
}

// install makes sh the gate's, and lets messages come from its link.
func (g *Gate) install(sh *shared) {
	old := g.shared.Swap(sh)
	if old == nil || old.link != sh.link {
		g.hub.SetSource(sh.link)
	}
	if old != nil && old.registry != nil && old.registry != sh.registry && old.link == sh.link {
		old.link.Unsubscribe(old.registry.EventChannel())
	}
	if old != nil && old.peers != sh.peers && old.link == sh.link {
		for _, c := range old.peers.Channels() {
			old.link.Unsubscribe(c)
		}
	}
	for _, c := range sh.peers.Channels() {
		sh.link.Subscribe(c)
	}
	if sh.registry != nil {
		sh.link.Subscribe(sh.registry.EventChannel())
	}
}

func (g *Gate) openRegistry(sh *shared, cfg Config, o Options) {
	if !sh.login {
		return
	}
	sh.registry = session.New(sh.rdb, session.Options{
		Realm:     cfg.GateName(),
		KeyPrefix: cfg.keyPrefix(),
		DB:        redisconn.DB(sh.rdb),
		Key:       sh.key,
		Remember:  cfg.Login.Remember.Or(session.DefaultRemember),
		Limit:     cfg.Login.Limit,
		PerDevice: cfg.Login.Per == session.PerDevice,
		Oldest:    cfg.Login.Policy == session.PolicyOldest,
		Grace:     time.Duration(cfg.Login.Grace),
		// Under oldest nobody displaces but by a ticket.
		ObservedOnly: sh.sharedTokens && cfg.Login.Policy != session.PolicyOldest,
		Log:          o.Log,
		OnEvent:      g.onEvent,
	})
	sh.reconciler = session.NewReconciler(sh.registry, locals{g}, session.ReconcileEvery)
	ctx, end := context.WithCancel(g.ctx)
	sh.endReconciler = end
	g.spawn(func() { sh.reconciler.Run(ctx) })
	g.spawn(func() { g.watchRealm(ctx, sh) })
}
