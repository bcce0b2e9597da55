package introspect

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/token"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var key = token.NewKey("test secret", "test")

func tok(tb testing.TB, raw string) token.Token {
	tb.Helper()
	t, err := token.New(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func query(tb testing.TB, raw string) Query {
	tb.Helper()
	t := tok(tb, raw)
	return Query{Token: t, Fingerprint: key.Fingerprint(t), Claims: true}
}

func duration(d time.Duration) *conf.Duration {
	v := conf.Duration(d)
	return &v
}

// backend is a real HTTP server whose handler can be exchanged, and which counts.
type backend struct {
	*httptest.Server
	calls   atomic.Int64
	handler atomic.Pointer[http.HandlerFunc]
}

func (b *backend) answer(h http.HandlerFunc) { b.handler.Store(&h) }

func serve(tb testing.TB, h http.HandlerFunc) *backend {
	tb.Helper()
	b := &backend{}
	b.answer(h)
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.calls.Add(1)
		(*b.handler.Load())(w, r)
	}))
	tb.Cleanup(b.Close)
	return b
}

// says answers every request alike.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func newClient(tb testing.TB, cfg Config, log *slog.Logger) *Client {
	tb.Helper()
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c, err := New(cfg, nil, log)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}
