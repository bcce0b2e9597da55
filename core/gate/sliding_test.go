package gate

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/proctest"
)

// askedBackend stands before a backend's /getInfo, says when it was asked, and can
// answer in its stead.
type askedBackend struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []time.Time
	answer func(http.ResponseWriter) // nil: the backend's own
}

func (b *askedBackend) says(answer func(http.ResponseWriter)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
}

// times are those at which it was asked.
func (b *askedBackend) times() []time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]time.Time(nil), b.asked...)
}

func inactive(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"code":401,"msg":"expired"}`)) }

func broken(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }

// slidingStack is a stack whose logins are asked about after a window.
func slidingStack(t *testing.T, window, cacheTTL time.Duration, edits ...func(*Config)) (*stack, *askedBackend) {
	t.Helper()
	b := &askedBackend{}
	s := newStack(t, append([]func(*Config){func(c *Config) {
		slides, ttl := conf.Duration(window), conf.Duration(cacheTTL)
		c.Introspect.Sliding, c.Introspect.CacheTTL = &slides, &ttl
		c.Sockets[0].Messages.Expired = new("sessionEnd")
	}}, edits...)...)
	to, err := url.Parse(s.backend.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.asked = append(b.asked, time.Now())
		answer := b.answer
		b.mu.Unlock()
		if answer != nil {
			answer(w)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(b.Close)
	s.cfg.Introspect.URI = b.URL + "/getInfo"
	return s, b
}

// TestInvariant18IdleSocketsAskNothing: what a socket does, and that it is there,
// never makes the gate ask the backend, which would renew the login: only a window
// without a request does, once, and then one of twice the time.
func TestInvariant18IdleSocketsAskNothing(t *testing.T) {
	t.Parallel()
	const window = 300 * time.Millisecond
	s, b := slidingStack(t, window, time.Millisecond)
	n := s.node()
	tok := s.backend.Login("bob")
	sock := n.socket(tok)
	if !n.passes(tok) {
		t.Fatal("the login does not pass")
	}
	last := time.Now()
	traffic := func(calls int) func() bool {
		return func() bool {
			sock.Send("ping")
			sock.Expect("pong")
			sock.Send("data_imei:1")
			sock.Send("unsubscribe data_imei:1")
			return len(b.times()) >= calls
		}
	}
	for i, wait := range []time.Duration{window, 3 * window, 7 * window} {
		proctest.Eventually(t, patience, traffic(i+2), "the idle login is asked about")
		if d := b.times()[i+1].Sub(last); d < wait {
			t.Errorf("question %d came %v after the last request, before %v", i+1, d, wait)
		}
	}
	sock.Send("ping")
	sock.Expect("pong")
}

// TestSlidingRequestsPutOff: while requests are seen, on whatever node, nothing is
// asked.
func TestSlidingRequestsPutOff(t *testing.T) {
	t.Parallel()
	const window = 500 * time.Millisecond
	s, b := slidingStack(t, window, time.Millisecond)
	a, other := s.node(), s.node()
	tok := s.backend.Login("bob")
	sock := a.socket(tok)
	first := time.Now()
	proctest.Eventually(t, patience, func() bool {
		if !other.passes(tok) {
			t.Fatal("the login does not pass")
		}
		return time.Since(first) > 4*window
	}, "four windows of requests")
	if n := len(b.times()); n != 1 {
		t.Errorf("asked %d times about a login in use", n)
	}
	last := time.Now()
	b.says(inactive)
	sock.Expect("sessionEnd")
	sock.ExpectClose(4504)
	if d := time.Since(last); d < window-100*time.Millisecond {
		t.Errorf("ended %v after the last request", d)
	}
}

// TestSlidingEndsWhatEnded: a login that its backend has ended in silence is told and
// closed, with the code that a refresh asks for where there is one.
func TestSlidingEndsWhatEnded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(*Config)
		code int
	}{
		"final":        {func(*Config) {}, 4504},
		"with refresh": {refreshing(""), 4005},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, b := slidingStack(t, 200*time.Millisecond, time.Minute, tc.edit)
			n := s.node()
			tok := s.backend.Login("bob")
			one, two := n.socket(tok), n.socket(tok)
			proctest.Eventually(t, patience, func() bool { return len(b.times()) >= 2 }, "asked")
			b.says(inactive)
			for _, sock := range []*proctest.Client{one, two} {
				sock.Expect("sessionEnd")
				sock.ExpectClose(tc.code)
			}
		})
	}
}

// TestSlidingSurvivesAnOutage: an error ends no login, and is asked about again.
func TestSlidingSurvivesAnOutage(t *testing.T) {
	t.Parallel()
	s, b := slidingStack(t, 200*time.Millisecond, time.Minute)
	n := s.node()
	sock := n.socket(s.backend.Login("bob"))
	b.says(broken)
	proctest.Eventually(t, patience, func() bool { return len(b.times()) >= 3 }, "asked again after an error")
	sock.Send("ping")
	sock.Expect("pong")
	b.says(inactive)
	sock.Expect("sessionEnd")
	sock.ExpectClose(4504)
}

// TestSlidingReconnect: a page that nobody looks at reconnects without a question
// until the window has passed.
func TestSlidingReconnect(t *testing.T) {
	t.Parallel()
	s, b := slidingStack(t, time.Hour, time.Millisecond)
	n := s.node()
	tok := s.backend.Login("bob")
	for range 5 {
		sock := n.socket(tok)
		sock.Send("ping")
		sock.Expect("pong")
		sock.Close()
	}
	if calls := len(b.times()); calls != 1 {
		t.Errorf("asked %d times about a login that only reconnects", calls)
	}
	// After the window a reconnect asks, and learns that the login has ended.
	const window = 200 * time.Millisecond
	s, b = slidingStack(t, window, time.Millisecond)
	n = s.node()
	tok = s.backend.Login("bob")
	first := time.Now()
	n.socket(tok).Close()
	b.says(inactive)
	proctest.Eventually(t, patience, func() bool {
		sock := n.socket(tok)
		defer sock.Close()
		return len(b.times()) >= 2
	}, "asked after the window")
	if d := b.times()[1].Sub(first); d < window {
		t.Errorf("asked after %v", d)
	}
}
