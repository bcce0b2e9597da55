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
	level, message, n := r.next(err)
	if message == "" {
		return
	}
	attrs := []any{"failures", n}
	if err != nil {
		attrs = append(attrs, "error", err, "token", fp.Short())
	}
	r.log.Log(context.Background(), level, message, attrs...)
}

func (r *reporter) next(err error) (level slog.Level, message string, failures int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		if !r.failing {
			return 0, "", 0
		}
		n := r.failed
		r.failing, r.failed, r.last = false, 0, time.Time{}
		return slog.LevelInfo, "introspection works again", n
	}
	r.failing = true
	r.failed++
	now := time.Now()
	if !r.last.IsZero() && now.Sub(r.last) < reportEvery {
		return 0, "", 0
	}
	n := r.failed
	r.last, r.failed = now, 0
	if errors.Is(err, ErrConfig) || errors.Is(err, ErrCredentials) {
		return slog.LevelError, "introspection can't work as configured", n
	}
	return slog.LevelWarn, "introspection failed", n
}
