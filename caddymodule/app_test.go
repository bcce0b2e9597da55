package caddymodule

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/gate"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/redisconn"
)

// config is a gate's configuration that answers nobody: Redis is nowhere.
func config(name, uri string) gate.Config {
	return gate.Config{
		Name:       name,
		Redis:      redisconn.Config{URLs: []string{"redis://127.0.0.1:1"}},
		Introspect: introspect.Config{URI: uri, Subject: "body.id"},
	}
}

func options() gate.Options {
	return gate.Options{Log: slog.New(slog.DiscardHandler), Expand: func(s string) (string, error) {
		if strings.Contains(s, "{missing}") {
			return "", errors.New("no such placeholder")
		}
		return s, nil
	}}
}

// load is what Caddy does with one configuration, up to its start.
func load(t *testing.T, configs ...gate.Config) *App {
	t.Helper()
	a := new(App)
	for _, cfg := range configs {
		if _, err := a.join(cfg, options()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if _, err := gates.Delete(cfg.GateName()); err != nil {
				t.Error(err)
			}
		})
	}
	return a
}

// follows returns the introspection endpoint that the gate has now.
func follows(t *testing.T, a *App, name string) string {
	t.Helper()
	p := a.members[name].pool
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current.cfg.Introspect.URI
}

func start(t *testing.T, a *App) {
	t.Helper()
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
}

func stop(t *testing.T, a *App) {
	t.Helper()
	if err := errors.Join(a.Stop(), a.Cleanup()); err != nil {
		t.Error(err)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	const name = "reload"
	first := load(t, config(name, "http://first"))
	start(t, first)
	second := load(t, config(name, "http://second"))
	if first.members[name].pool != second.members[name].pool {
		t.Fatal("the second configuration has a gate of its own")
	}
	if got := follows(t, first, name); got != "http://first" {
		t.Errorf("before its start the second configuration applies: %s", got)
	}
	start(t, second)
	stop(t, first)
	if got := follows(t, second, name); got != "http://second" {
		t.Errorf("after the reload the gate follows %s", got)
	}
	if second.members[name].before != nil {
		t.Error("the old configuration is kept")
	}
	stop(t, second) // the process ends; there is nothing to return to
	if got := follows(t, second, name); got != "http://second" {
		t.Errorf("the last stop returned to %s", got)
	}
}

// TestFailedReload has another app fail after ours has started: Caddy stops
// ours again, and the old configuration runs on.
func TestFailedReload(t *testing.T) {
	t.Parallel()
	const name = "failed-reload"
	first := load(t, config(name, "http://first"))
	start(t, first)
	second := load(t, config(name, "http://second"))
	start(t, second)
	stop(t, second)
	if got := follows(t, first, name); got != "http://first" {
		t.Errorf("after the failed reload the gate follows %s", got)
	}
	third := load(t, config(name, "http://third"))
	start(t, third)
	stop(t, first)
	if got := follows(t, third, name); got != "http://third" {
		t.Errorf("after the reload that went well the gate follows %s", got)
	}
}

// TestFailedStart has one of two gates refuse its new settings: neither may
// keep them.
func TestFailedStart(t *testing.T) {
	t.Parallel()
	first := load(t, config("start-a", "http://first"), config("start-b", "http://first"))
	start(t, first)
	second := load(t, config("start-a", "http://second"), config("start-b", "http://{missing}"))
	if err := second.Start(); err == nil || !strings.Contains(err.Error(), `gate "start-b"`) {
		t.Fatalf("got %v", err)
	}
	for _, name := range []string{"start-a", "start-b"} {
		if got := follows(t, first, name); got != "http://first" {
			t.Errorf("%s follows %s", name, got)
		}
	}
}

func TestConflict(t *testing.T) {
	t.Parallel()
	a := load(t, config("conflict", "http://first"), config("conflict", "http://first"))
	_, err := a.join(config("conflict", "http://second"), options())
	if err == nil || !strings.Contains(err.Error(), "`name`") {
		t.Fatalf("got %v", err)
	}
	if n, _ := gates.References("conflict"); n != 2 {
		t.Errorf("%d references, want 2: the refused handler must hold none", n)
	}
}

// TestCleanup holds that a handler which never got its gate gives none back.
func TestCleanup(t *testing.T) {
	t.Parallel()
	a := load(t, config("cleanup", "http://first"))
	h := &Handler{Config: config("cleanup", "http://first")}
	if err := h.Cleanup(); err != nil {
		t.Fatal(err)
	}
	if n, _ := gates.References("cleanup"); n != 1 {
		t.Errorf("%d references, want 1", n)
	}
	stop(t, a)
}
