package introspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsgate/wsgate/core/conf"
)

// roundTrip is a transport without a network, for tests with a fake clock.
type roundTrip func(*http.Request) (int, string, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body, err := f(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func timedClient(tb testing.TB, cfg Config, f roundTrip) *Client {
	tb.Helper()
	cfg.URI = "http://backend.test/whoami"
	if cfg.Subject == "" && cfg.Preset == "" {
		cfg.Subject = "body.id"
	}
	c := newClient(tb, cfg, nil)
	c.SetTransport(f)
	return c
}

func TestCacheLives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls, status := 0, 200
		c := timedClient(t, Config{}, func(*http.Request) (int, string, error) {
			calls++
			return status, `{"id":1}`, nil
		})
		ask := func(want Outcome, wantCalls int) {
			t.Helper()
			if a := c.Identify(t.Context(), query(t, "abc")); a.Outcome != want || calls != wantCalls {
				t.Fatalf("%v after %d calls, want %v after %d: %v", a.Outcome, calls, want, wantCalls, a.Err)
			}
		}
		ask(Active, 1)
		time.Sleep(DefaultCacheTTL - time.Nanosecond)
		ask(Active, 1)
		time.Sleep(time.Nanosecond)
		ask(Active, 2)
		time.Sleep(DefaultCacheTTL)
		status = 401
		ask(Inactive, 3)
		time.Sleep(DefaultNegativeTTL - time.Nanosecond)
		ask(Inactive, 3)
		time.Sleep(time.Nanosecond)
		status = 500
		ask(Error, 4) // what was active before it was inactive is gone
		ask(Error, 5) // an error is not cached
		status = 200
		ask(Active, 6)
	})
}

func TestStaleIfError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls, status := 0, 200
		c := timedClient(t, Config{}, func(*http.Request) (int, string, error) {
			calls++
			return status, `{"id":1}`, nil
		})
		q := query(t, "abc")
		c.Identify(t.Context(), q)
		status = 503
		time.Sleep(DefaultCacheTTL)
		if _, ok := c.Cached(q); ok {
			t.Fatal("a stale answer counts as cached")
		}
		a := c.Identify(t.Context(), q)
		if a.Outcome != Active || !a.Stale || !errors.Is(a.Err, ErrAnswer) || a.Identity.Subject != "1" {
			t.Fatalf("%v, stale %v, %v", a.Outcome, a.Stale, a.Err)
		}
		if a := c.Identify(t.Context(), query(t, "new")); a.Outcome != Error {
			t.Fatalf("a token never seen is %v", a.Outcome)
		}
		time.Sleep(DefaultStaleIfError - time.Nanosecond)
		if a := c.Identify(t.Context(), q); a.Outcome != Active || !a.Stale {
			t.Fatalf("%v", a.Outcome)
		}
		synctest.Wait()
		time.Sleep(time.Nanosecond)
		if a := c.Identify(t.Context(), q); a.Outcome != Error {
			t.Fatalf("%v after stale_if_error", a.Outcome)
		}
		status = 200
		if a := c.Identify(t.Context(), q); a.Outcome != Active || a.Stale {
			t.Fatalf("%v, stale %v", a.Outcome, a.Stale)
		}
	})
}

// While an endpoint hangs, nobody with a stale answer waits for it but the first.
func TestStaleDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var hang atomic.Bool
		c := timedClient(t, Config{StaleIfError: duration(time.Hour)}, func(r *http.Request) (int, string, error) {
			if hang.Load() {
				<-r.Context().Done()
				return 0, "", r.Context().Err()
			}
			return 200, `{"id":1}`, nil
		})
		q := query(t, "abc")
		c.Identify(t.Context(), q)
		time.Sleep(DefaultCacheTTL)
		hang.Store(true)
		took := func() time.Duration {
			start := time.Now()
			if a := c.Identify(t.Context(), q); a.Outcome != Active || !a.Stale {
				t.Fatalf("%v, stale %v", a.Outcome, a.Stale)
			}
			return time.Since(start)
		}
		if d := took(); d != DefaultTimeout {
			t.Fatalf("the first waited %v", d)
		}
		for range 3 {
			if d := took(); d != 0 {
				t.Fatalf("a later one waited %v", d)
			}
		}
		hang.Store(false)
		time.Sleep(DefaultTimeout)
		synctest.Wait()
		c.Identify(t.Context(), q) // its call finds the endpoint well
		synctest.Wait()
		if a := c.Identify(t.Context(), q); a.Stale {
			t.Fatal("still stale")
		}
	})
}

func TestExpiryBoundsTheCache(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls, status := 0, 200
		end := time.Now().Add(10 * time.Second).Unix()
		c := timedClient(t, Config{Expires: "body.exp"}, func(*http.Request) (int, string, error) {
			calls++
			return status, fmt.Sprintf(`{"id":1,"exp":%d}`, end), nil
		})
		q := query(t, "abc")
		c.Identify(t.Context(), q)
		time.Sleep(10*time.Second - time.Nanosecond)
		if _, ok := c.Cached(q); !ok {
			t.Fatal("dropped before its end")
		}
		time.Sleep(time.Nanosecond)
		status = 500
		if a := c.Identify(t.Context(), q); a.Outcome != Error || calls != 2 {
			t.Fatalf("%v past the token's end, %d calls", a.Outcome, calls)
		}
		status = 200 // the backend's clock is behind: its word counts, but is not kept
		if a := c.Identify(t.Context(), q); a.Outcome != Active {
			t.Fatalf("%v", a.Outcome)
		}
		if _, ok := c.Cached(q); ok {
			t.Fatal("kept an answer past the token's end")
		}
	})
}

func TestCachesCanBeOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls, status := 0, 200
		c := timedClient(t, Config{CacheTTL: duration(0), NegativeTTL: duration(0), StaleIfError: duration(0)}, func(*http.Request) (int, string, error) {
			calls++
			return status, `{"id":1}`, nil
		})
		for range 2 {
			c.Identify(t.Context(), query(t, "abc"))
		}
		status = 401
		for range 2 {
			c.Identify(t.Context(), query(t, "abc"))
		}
		if calls != 4 {
			t.Fatalf("%d calls", calls)
		}
	})
}

func TestCallersShareOneCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		release := make(chan struct{})
		c := timedClient(t, Config{}, func(*http.Request) (int, string, error) {
			calls.Add(1)
			<-release
			return 200, `{"id":1}`, nil
		})
		q := query(t, "abc")
		leaving, leave := context.WithCancel(t.Context())
		first := make(chan Answer, 1)
		go func() { first <- c.Identify(leaving, q) }()
		synctest.Wait()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if a := c.Identify(t.Context(), q); a.Outcome != Active {
					t.Errorf("%v, %v", a.Outcome, a.Err)
				}
			})
		}
		synctest.Wait()
		leave() // the one whose call it is
		if a := <-first; a.Outcome != Error || !errors.Is(a.Err, context.Canceled) {
			t.Errorf("who left got %v, %v", a.Outcome, a.Err)
		}
		close(release)
		wg.Wait()
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestForget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		gates := []chan struct{}{make(chan struct{}), make(chan struct{})}
		c := timedClient(t, Config{}, func(*http.Request) (int, string, error) {
			n := calls.Add(1)
			if n <= 2 {
				<-gates[n-1]
			}
			return 200, fmt.Sprintf(`{"id":%d}`, n), nil
		})
		q := query(t, "abc")
		answers := make([]Answer, 2)
		var wg sync.WaitGroup
		wg.Go(func() { answers[0] = c.Identify(t.Context(), q) })
		synctest.Wait()
		c.Forget(q.Fingerprint)
		wg.Go(func() { answers[1] = c.Identify(t.Context(), q) })
		synctest.Wait()
		if n := calls.Load(); n != 2 {
			t.Fatalf("%d calls: an answer from before was joined", n)
		}
		close(gates[1])
		synctest.Wait()
		close(gates[0]) // the older answer comes last
		wg.Wait()
		if answers[0].Identity.Subject != "1" || answers[1].Identity.Subject != "2" {
			t.Fatal("answers were mixed up")
		}
		if a, ok := c.Cached(q); !ok || a.Identity.Subject != "2" {
			t.Fatal("the answer from before Forget was kept")
		}
		c.Forget(q.Fingerprint)
		if _, ok := c.Cached(q); ok {
			t.Fatal("still cached")
		}
	})
}

func TestPanicIsAnError(t *testing.T) {
	t.Parallel()
	c := timedClient(t, Config{}, func(*http.Request) (int, string, error) { panic("canary") })
	if a := c.Identify(t.Context(), query(t, "abc")); a.Outcome != Error || strings.Contains(a.Err.Error(), "canary") {
		t.Fatalf("%v, %v", a.Outcome, a.Err)
	}
	if a := c.Identify(t.Context(), Query{}); a.Outcome != Error {
		t.Fatalf("no token is %v", a.Outcome)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 2)
	b := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	c := newClient(t, Config{URI: b.URL, Subject: "body.id", Timeout: conf.Duration(time.Hour)}, nil)
	got := make(chan Answer)
	go func() { got <- c.Identify(context.Background(), query(t, "abc")) }()
	probed := make(chan error)
	go func() {
		_, err := c.Probe(context.Background(), "GET", "/", tok(t, "abc"))
		probed <- err
	}()
	<-arrived
	<-arrived
	c.Close()
	if a := <-got; a.Outcome != Error {
		t.Errorf("%v", a.Outcome)
	}
	if err := <-probed; err == nil {
		t.Error("the probe went on")
	}
	if a := c.Identify(t.Context(), query(t, "abc")); !errors.Is(a.Err, ErrClosed) {
		t.Errorf("%v", a.Err)
	}
	if _, err := c.Probe(t.Context(), "GET", "/", tok(t, "abc")); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	c.Close()
}

func TestLogIsRateLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		status := 500
		c := timedClient(t, Config{}, func(*http.Request) (int, string, error) { return status, `{"id":1}`, nil })
		c.log = newReporter(slog.New(slog.NewTextHandler(&out, nil)))
		for range 100 {
			c.Identify(t.Context(), query(t, "abc"))
		}
		time.Sleep(reportEvery)
		c.Identify(t.Context(), query(t, "abc"))
		status = 200
		c.Identify(t.Context(), query(t, "abc"))
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 3 || !strings.Contains(lines[1], "failures=100") || !strings.Contains(lines[2], "works again") {
			t.Fatalf("logged:\n%s", out.String())
		}
		status = 200
		c = timedClient(t, Config{Subject: "body.user"}, func(*http.Request) (int, string, error) { return status, `{"id":1}`, nil })
		out.Reset()
		c.log = newReporter(slog.New(slog.NewTextHandler(&out, nil)))
		c.Identify(t.Context(), query(t, "abc"))
		if s := out.String(); !strings.Contains(s, "level=ERROR") || !strings.Contains(s, "subject body.user") {
			t.Fatalf("logged:\n%s", s)
		}
	})
}

// Claims are several KiB of a backend's answer: nobody who doesn't ask for them
// pays for them, and who does gets them.
func TestClaimsAreKeptForThoseWhoAsk(t *testing.T) {
	t.Parallel()
	b := serve(t, says(200, `{"id":1,"role":"admin"}`))
	c := newClient(t, Config{URI: b.URL, Subject: "body.id"}, nil)
	with := query(t, "abc")
	without := with
	without.Claims = false
	for i, step := range []struct {
		q     Query
		calls int64
		has   bool
	}{{without, 1, false}, {without, 1, false}, {with, 2, true}, {without, 2, true}, {with, 2, true}} {
		a := c.Identify(t.Context(), step.q)
		if a.Outcome != Active || (a.Identity.Claims != nil) != step.has || b.calls.Load() != step.calls {
			t.Errorf("step %d: %v after %d calls, %s", i, a.Outcome, b.calls.Load(), dump(a.Identity))
		}
	}
}
