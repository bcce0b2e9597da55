package gate

import (
	"context"
	"time"

	"github.com/wsgate/wsgate/core/token"
)

const (
	// realmEvery is how often a node says whose the realm is.
	realmEvery = time.Minute
	// realmAgain is how often it tells of the same trouble.
	realmAgain = 6 * time.Hour
)

// watchRealm logs an error where another backend's gate uses the same realm in
// the same Redis: accounts of the same name would displace each other.
func (g *Gate) watchRealm(ctx context.Context, sh *shared) {
	var told time.Time
	wait := time.Second
	for {
		uri := sh.cfg.Introspect.URI
		if now := g.shared.Load(); now != nil && now.registry == sh.registry {
			uri = now.cfg.Introspect.URI // a reload has changed no more than this
		}
		backend := sh.key.Label("backend", uri)
		// What this node had before a reload is no other's.
		mine, err := sh.registry.CheckRealm(ctx, backend, g.realmOf(backend))
		switch {
		case err != nil:
			wait = min(2*wait, realmEvery)
		case mine:
			g.realm.Store(&backend)
			told, wait = time.Time{}, realmEvery
		default:
			if now := time.Now(); told.IsZero() || now.Sub(told) > realmAgain {
				told = now
				g.logger().Error("another backend's logins are kept in this Redis under the same name, or the secrets differ; give each gate a `name` of its own, and all nodes of one gate the same `secret`", "gate", g.name)
			}
			wait = realmEvery
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// realmOf is the backend that had the realm on this node; the given one at first.
func (g *Gate) realmOf(now token.Fingerprint) token.Fingerprint {
	if p := g.realm.Load(); p != nil {
		return *p
	}
	return now
}
