package session

import (
	"context"
	"slices"
	"strconv"
	"time"
)

// Use is that a login was in use.
type Use struct {
	Account  string
	Identity Identity
	// Ago is how long ago this node saw a request of the login; negative: it saw none,
	// and only asks.
	Ago time.Duration
}

// Idle notes uses, and says how long ago the last request of each login was, on any
// node; where none was noted, how long ago it was admitted. It is negative where
// Redis knows no such live login. A login's sockets are no use of it, nor is Touch.
// Errors: ErrAccount, and those of Redis.
func (r *Registry) Idle(ctx context.Context, uses []Use) ([]time.Duration, error) {
	out := make([]time.Duration, 0, len(uses))
	for some := range slices.Chunk(uses, touchBatch) {
		calls := make([]call, len(some))
		for i := range some {
			u := &some[i]
			hash, err := r.keys.hash(u.Account)
			if err != nil {
				return nil, err
			}
			ago := ""
			if u.Ago >= 0 {
				ago = strconv.FormatInt(u.Ago.Milliseconds(), 10)
			}
			calls[i] = call{r.lua.used, r.keys.account(hash), []any{u.Identity.String(), ago}}
		}
		replies, err := r.exec(ctx, calls)
		if err != nil {
			return nil, err
		}
		for i := range replies {
			idle := time.Duration(-1)
			if replies[i].status == "live" {
				idle = ms(replies[i].more)
			}
			out = append(out, idle)
		}
	}
	return out, nil
}
