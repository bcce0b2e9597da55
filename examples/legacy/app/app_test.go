package app

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	logging.Disable()
	// After a failed dial go-redis looks once a second whether its pool is closed.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// body is a decoded answer.
type body map[string]any

func (b body) code() int { return int(b["code"].(float64)) }

// at follows keys into nested objects.
func (b body) at(keys ...string) any {
	var v any = map[string]any(b)
	for _, k := range keys {
		v = v.(map[string]any)[k]
	}
	return v
}

// fixture is an App and the clock that it sees.
type fixture struct {
	*App
	tb    testing.TB
	clock atomic.Int64 // nanoseconds after start
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newFixture(tb testing.TB) *fixture {
	f := &fixture{tb: tb}
	f.App = New(Options{
		Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return start.Add(time.Duration(f.clock.Load())) },
	})
	return f
}

func (f *fixture) advance(d time.Duration) { f.clock.Add(int64(d)) }

// call makes a request with this Authorization header; every answer must be
// HTTP 200 with JSON that nobody stores.
func (f *fixture) call(method, path, authorization, payload string) body {
	f.tb.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(payload))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" ||
		!strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		f.tb.Fatalf("%s %s: status %d, headers %v", method, path, w.Code, w.Header())
	}
	var b body
	if err := json.NewDecoder(io.LimitReader(w.Body, 1<<20)).Decode(&b); err != nil {
		f.tb.Fatalf("%s %s: %v", method, path, err)
	}
	return b
}

func (f *fixture) login(name string) string {
	f.tb.Helper()
	b := f.call("POST", "/login", "", `{"username":"`+name+`","password":"`+name+`123","code":"","uuid":""}`)
	token, _ := b["token"].(string)
	if b.code() != 200 || token == "" {
		f.tb.Fatalf("login of %s: %v", name, b)
	}
	return token
}
