package caddymodule

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// switchHandler is a log handler that can be pointed elsewhere, with every
// logger derived from it. Caddy closes a configuration's log outputs when it
// unloads it, and a gate outlives configurations.
//
// Safe for concurrent use.
type switchHandler struct {
	target *atomic.Pointer[slog.Handler]
	// derive repeats WithAttrs and WithGroup on the target. A gate logs rarely,
	// so doing that per record is cheaper than tracking derived loggers.
	derive []func(slog.Handler) slog.Handler
}

func newSwitchHandler(h slog.Handler) *switchHandler {
	s := &switchHandler{target: new(atomic.Pointer[slog.Handler])}
	s.set(h)
	return s
}

// set points the handler, and all that were derived from it, at h.
func (s *switchHandler) set(h slog.Handler) { s.target.Store(&h) }

// Enabled implements slog.Handler.
func (s *switchHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return (*s.target.Load()).Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (s *switchHandler) Handle(ctx context.Context, r slog.Record) error {
	h := *s.target.Load()
	for _, f := range s.derive {
		h = f(h)
	}
	return h.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (s *switchHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return s.with(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (s *switchHandler) WithGroup(name string) slog.Handler {
	return s.with(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (s *switchHandler) with(f func(slog.Handler) slog.Handler) slog.Handler {
	derive := make([]func(slog.Handler) slog.Handler, 0, len(s.derive)+1)
	return &switchHandler{target: s.target, derive: append(append(derive, s.derive...), f)}
}
