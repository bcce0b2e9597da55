package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/token"
)

// realmFor is how long a realm belongs to a backend that nobody asks about.
const realmFor = 5 * time.Minute

// CheckRealm says whether the realm belongs to this backend: the first to ask gets
// it, and whoever asks with the backend that has it as the former one. backend must
// be made with the registry's key, so that nodes with different secrets differ too.
// Call it at start and each minute; with false, two gates share a name, or a secret
// is not the same on all nodes, and their logins would displace each other or not at
// all.
func (r *Registry) CheckRealm(ctx context.Context, backend, former token.Fingerprint) (bool, error) {
	mine := backend.String()
	set, err := r.rdb.SetNX(ctx, r.keys.realm, mine, realmFor).Result()
	if err != nil {
		return false, fmt.Errorf("session: %w", err)
	}
	if set {
		return true, nil
	}
	holder, err := r.rdb.Get(ctx, r.keys.realm).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return true, nil // it ended between the two calls
	case err != nil:
		return false, fmt.Errorf("session: %w", err)
	case holder != mine && (former.IsZero() || holder != former.String()):
		return false, nil
	}
	if err := r.rdb.Set(ctx, r.keys.realm, mine, realmFor).Err(); err != nil {
		return false, fmt.Errorf("session: %w", err)
	}
	return true, nil
}
