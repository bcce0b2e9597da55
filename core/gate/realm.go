package gate

import (
	"context"
	"time"
)

// realmEvery is how often a node says whose the realm is.
const realmEvery = 6 * time.Hour

// watchRealm logs an error where another backend's gate uses the same realm in
// the same Redis: accounts of the same name would displace each other.
func (g *Gate) watchRealm(ctx context.Context, sh *shared) {
	backend := sh.key.Label("backend", sh.cfg.Introspect.URI)
	wait := time.Second
	for {
		mine, err := sh.registry.CheckRealm(ctx, backend)
		switch {
		case err != nil:
			wait = min(2*wait, time.Minute)
		case !mine:
			g.logger().Error("another backend's logins are kept in this Redis under the same name, or the secrets differ; give each gate a `name` of its own, and all nodes of one gate the same `secret`", "gate", g.name)
			wait = realmEvery
		default:
			wait = realmEvery
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}
