package gate

import (
	"context"
	"fmt"
	"reflect"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"

	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/peer"
	"github.com/wsgate/wsgate/core/redisconn"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/ticket"
	"github.com/wsgate/wsgate/core/token"
)

// shared is what one configuration of redis, introspect, login and secret
// makes. It is immutable; a reload replaces it as a whole and keeps the parts
// whose configuration is the same.
type shared struct {
	cfg         Config
	login       bool // a login policy is on
	failClosed  bool
	refreshable bool
	byDevice    bool
	// sharedTokens: a login is its token in one browser.
	sharedTokens bool

	rdb           redis.UniversalClient
	link          link
	peers         *peer.Peers
	key           *token.Key
	devices       *token.Devices
	tickets       *ticket.Tickets
	asker         *introspect.Client
	registry      *session.Registry // nil with login off
	reconciler    *session.Reconciler
	endReconciler context.CancelFunc

	// sliding is nil where logins don't end by themselves for want of requests.
	sliding   *sliding
	observers observers
	flights   *singleflight.Group
	// owed are observed logins that could not be claimed at once, by token.
	owed *owed
	// denials are logins that found no seat just now, by token.
	denials *denials
	// familiars are requests of live logins; nil with login off.
	familiars *familiars
	// exempt says which logins take none; nil: all do.
	exempt *expr.Program
}

// link is what this node hears Redis through: a pubsub.Link, or with sharded_pubsub
// pubsub.Shards.
type link interface {
	hub.Source
	// Await waits until a channel that was subscribed is live.
	Await(ctx context.Context, channel string) error
	// Live says that it is.
	Live(channel string) bool
	// Ready says that everything that was asked for is subscribed.
	Ready() bool
	Close()
}

// build makes the shared parts of a configuration. It returns old itself where
// nothing changed.
func (g *Gate) build(cfg Config, o Options, old *shared) (*shared, error) {
	if old != nil && sameShared(&old.cfg, &cfg) {
		return old, nil
	}
	if cfg.Introspect.Transport != nil && o.Transport == nil {
		return nil, fmt.Errorf("gate: introspect: transport: there is no server that could make one")
	}
	preset, err := introspect.PresetFor(cfg.Introspect)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	sh := &shared{
		cfg:          cfg,
		login:        cfg.Login.On(),
		failClosed:   cfg.Login.Fail == "closed",
		refreshable:  len(cfg.Login.Refresh)+len(preset.Refresh) > 0,
		byDevice:     len(cfg.Login.Observe)+len(preset.Observe) > 0 && cfg.Introspect.SessionID == "" && preset.Config.SessionID == "",
		sharedTokens: cfg.Login.On() && cfg.Introspect.ShareTokens(),
		flights:      &singleflight.Group{},
		owed:         newOwed(),
		denials:      newDenials(),
	}
	if sh.login {
		sh.familiars = &familiars{}
	}
	if sh.observers, err = newObservers(cfg.Login, preset); err != nil {
		return nil, err
	}
	if sh.exempt, err = newExempt(&cfg); err != nil {
		return nil, err
	}
	if err := sh.makeKey(cfg, o, old); err != nil {
		return nil, err
	}
	if old != nil && reflect.DeepEqual(old.cfg.Introspect, cfg.Introspect) {
		sh.asker = old.asker
	} else if sh.asker, err = introspect.New(cfg.Introspect, o.Expand, o.Log); err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	if err := g.connectRedis(sh, cfg, o, old); err != nil {
		return nil, err
	}
	g.slide(sh, old)
	return sh, nil
}

func (sh *shared) makeKey(cfg Config, o Options, old *shared) error {
	if old != nil && old.cfg.Secret == cfg.Secret && old.cfg.keyPrefix() == cfg.keyPrefix() && old.sharedTokens == sh.sharedTokens {
		sh.key, sh.devices, sh.owed = old.key, old.devices, old.owed
		return nil
	}
	secret, err := o.Expand(cfg.Secret)
	if err != nil {
		return fmt.Errorf("gate: secret: %w", err)
	}
	if cfg.Secret != "" && len(secret) < minSecret {
		o.Log.Warn("secret is short, and could be guessed; make one with `openssl rand -hex 32`", "bytes", len(secret), "want", minSecret)
	}
	sh.key = token.NewKey(secret, cfg.GateName())
	// Where the cookie is all that tells logins apart, an address that changes must not
	// make another login; and nobody but its browser knows a cookie, signed or not.
	sh.devices = token.NewDevices(sh.key, secret != "" || sh.sharedTokens)
	return nil
}

const minSecret = 16

// connectRedis opens the client, the link and the registry, or keeps the old
// ones.
func (g *Gate) connectRedis(sh *shared, cfg Config, o Options, old *shared) error {
	sameRedis := old != nil && reflect.DeepEqual(old.cfg.Redis, cfg.Redis) && old.cfg.keyPrefix() == cfg.keyPrefix()
	if sameRedis {
		sh.rdb, sh.link = old.rdb, old.link
	} else {
		var err error
		if sh.rdb, err = redisconn.Open(cfg.Redis, o.Expand, redisconn.Options{}); err != nil {
			return fmt.Errorf("gate: %w", err)
		}
		if sh.link, err = g.openLink(sh, cfg, o); err != nil {
			sh.link.Close()
			_ = sh.rdb.Close() // nothing was written
			return err
		}
	}
	sh.tickets = ticket.New(sh.rdb, sh.key, session.Prefix(sh.key, cfg.keyPrefix(), cfg.GateName())+"k:")
	if sameRedis && sh.key == old.key {
		sh.peers = old.peers
	} else {
		sh.peers = g.openPeers(sh, cfg, o)
	}
	if sameRedis && sh.key == old.key && reflect.DeepEqual(old.cfg.Login, cfg.Login) {
		sh.registry, sh.reconciler, sh.endReconciler = old.registry, old.reconciler, old.endReconciler
		return nil
	}
	g.openRegistry(sh, cfg, o)
	return nil
}

// patience bounds a registry call while the link is known to be down.
func (sh *shared) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	if sh.link.Ready() {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, impatience)
}

// retire ends the parts that the next configuration does not use.
func (sh *shared) retire(next *shared) {
	if next == nil || next.asker != sh.asker {
		sh.asker.Close()
	}
	if sh.sliding != nil && (next == nil || next.sliding != sh.sliding) {
		sh.sliding.end()
	}
	if sh.registry != nil && (next == nil || next.registry != sh.registry) {
		sh.endReconciler()
	}
	if next == nil || next.peers != sh.peers {
		sh.peers.Close()
	}
	if next == nil || next.link != sh.link {
		sh.link.Close()
		_ = sh.rdb.Close() // nothing can be done about a failing close
	}
}

func sameShared(a, b *Config) bool {
	return a.keyPrefix() == b.keyPrefix() && a.Secret == b.Secret &&
		reflect.DeepEqual(a.Redis, b.Redis) &&
		reflect.DeepEqual(a.Introspect, b.Introspect) &&
		reflect.DeepEqual(a.Login, b.Login)
}
