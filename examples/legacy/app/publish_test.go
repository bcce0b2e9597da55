package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/proctest"
)

func TestPublish(t *testing.T) {
	t.Parallel()
	o, err := redis.ParseURL(proctest.Redis(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	t.Cleanup(func() { client.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)

	sub := client.Subscribe(ctx, "data_imei:1001")
	t.Cleanup(func() { sub.Close() })
	if _, err := sub.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	a := New(Options{Redis: client, Tick: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); a.Run(running) }()
	t.Cleanup(func() { stop(); <-done })

	next := func() (r reading) {
		m, err := sub.ReceiveMessage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(m.Payload), &r); err != nil {
			t.Fatalf("%q: %v", m.Payload, err)
		}
		if r.ID != 1001 || r.IMEI == "" || r.Battery <= 0 || r.Signal >= 0 {
			t.Fatalf("got %+v", r)
		}
		if _, err := time.Parse(time.RFC3339, r.Time); err != nil {
			t.Fatal(err)
		}
		return r
	}
	last := next()
	for range 20 {
		r := next()
		if r.Seq != last.Seq+1 || r.Event != "report" {
			t.Fatalf("%+v after %d", r, last.Seq)
		}
		last = r
	}
	// A saved device reports at once, also when it is switched off by that.
	f := &fixture{App: a, tb: t}
	if b := f.call("PUT", "/device/1001", "Bearer "+f.login("alice"), `{"enabled":false}`); b.code() != 200 {
		t.Fatalf("save: %v", b)
	}
	for r := next(); ; r = next() {
		if r.Event == "saved" {
			if r.By != "alice" {
				t.Errorf("saved by %q", r.By)
			}
			break
		}
	}
}

func TestRunSurvivesWithoutRedis(t *testing.T) {
	t.Parallel()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { client.Close() })
	var warnings int
	h := countWarnings{Handler: slog.DiscardHandler, n: &warnings}
	a := New(Options{Redis: client, Tick: time.Millisecond, Log: slog.New(h)})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); a.Run(ctx) }()
	proctest.Eventually(t, 20*time.Second, func() bool {
		d, _ := a.devices.get(1001)
		return d.Last != nil && d.Last.Seq >= 10
	}, "the devices go on without Redis")
	cancel()
	<-done
	if warnings != 1 {
		t.Errorf("%d lines for one outage", warnings)
	}
}

// countWarnings counts; it is read after the goroutine that logs has ended.
type countWarnings struct {
	slog.Handler
	n *int
}

func (countWarnings) Enabled(context.Context, slog.Level) bool { return true }

func (h countWarnings) Handle(_ context.Context, r slog.Record) error {
	if r.Level == slog.LevelWarn {
		*h.n++
	}
	return nil
}
