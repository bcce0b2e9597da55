package introspect

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/wsgate/wsgate/core/token"
)

// reportEvery is how often a failure that goes on is logged again.
const reportEvery = 10 * time.Second

// reporter logs that calls fail, and that they work again, without a line for
// each of them.
type reporter struct {
	log     *slog.Logger
	mu      sync.Mutex
	last    time.Time
	failing bool
	failed  int // since the last line
}

func newReporter(log *slog.Logger) *reporter { return &reporter{log: log} }

func (r *reporter) report(fp token.Fingerprint, err error) {
	if errors.Is(err, context.Canceled) {
		return // the client is being closed
	}
	n, due := r.count(err != nil)
	switch {
	case !due:
	case err == nil:
		r.log.Info("introspection works again", "failures", n)
	case errors.Is(err, ErrConfig), errors.Is(err, ErrCredentials):
		r.log.Error("introspection can't work as configured", "error", err, "token", fp.Short(), "failures", n)
	default:
		r.log.Warn("introspection failed", "error", err, "token", fp.Short(), "failures", n)
	}
}

// count says whether a line is due, and how many failures there were since the
// last one.
func (r *reporter) count(failed bool) (n int, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !failed {
		n, due = r.failed, r.failing
		r.failing, r.failed, r.last = false, 0, time.Time{}
		return n, due
	}
	r.failing = true
	r.failed++
	now := time.Now()
	if !r.last.IsZero() && now.Sub(r.last) < reportEvery {
		return 0, false
	}
	n, r.last, r.failed = r.failed, now, 0
	return n, true
}
