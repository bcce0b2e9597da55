package caddymodule

import (
	"bytes"
	"log/slog"
	"testing"
)

func TestSwitchHandler(t *testing.T) {
	t.Parallel()
	plain := func(b *bytes.Buffer, level slog.Level) slog.Handler {
		return slog.NewTextHandler(b, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})
	}
	var before, after bytes.Buffer
	s := newSwitchHandler(plain(&before, slog.LevelInfo))
	log := slog.New(s).With("gate", "a").WithGroup("link").With("node", 1)
	log.Debug("hidden")
	log.Info("one")
	s.set(plain(&after, slog.LevelDebug))
	log.Debug("two")
	slog.New(s).Info("three")

	if got, want := before.String(), "level=INFO msg=one gate=a link.node=1\n"; got != want {
		t.Errorf("before: %q, want %q", got, want)
	}
	if got, want := after.String(), "level=DEBUG msg=two gate=a link.node=1\nlevel=INFO msg=three\n"; got != want {
		t.Errorf("after: %q, want %q", got, want)
	}
}
