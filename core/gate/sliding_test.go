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
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
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
	last, longest := first, time.Duration(0)
	for last.Sub(first) < 4*window {
		before := last
		last = time.Now()
		if !other.passes(tok) {
			t.Fatal("the login does not pass")
		}
		longest = max(longest, time.Since(before)) // between two requests, and with the second
		<-time.After(window / 50)
	}
	// A machine that is too busy for requests in time does not put off anything.
	if n := len(b.times()); n != 1 && longest < window/2 {
		t.Errorf("asked %d times about a login in use", n)
	}
	b.says(inactive)
	sock.Expect("sessionEnd")
	sock.ExpectClose(4504)
	if d := time.Since(last); d < window {
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

// TestReconfigureSliding: sockets from before sliding come again, for their tokens were
// not kept, and a reload that changes something else asks no sooner.
func TestReconfigureSliding(t *testing.T) {
	t.Parallel()
	const window = 400 * time.Millisecond
	s, b := slidingStack(t, 0, time.Minute)
	n := s.node()
	tok := s.backend.Login("bob")
	start := time.Now() // before the login is admitted: a socket is no use of it
	before := n.socket(tok)
	before.Send("ping")
	before.Expect("pong")
	reload := func(change func(*Config)) {
		t.Helper()
		change(&s.cfg)
		if err := n.gate.Reconfigure(s.cfg, Options{}); err != nil {
			t.Fatal(err)
		}
		site, err := NewSite(n.gate, s.cfg, Options{})
		if err != nil {
			t.Fatal(err)
		}
		site.Activate()
	}
	slides := conf.Duration(window)
	reload(func(c *Config) { c.Introspect.Sliding = &slides })
	before.ExpectClose(1012)

	first := s.node() // with the new configuration
	sock := first.socket(tok)
	asked := len(b.times())
	proctest.Eventually(t, patience, func() bool { return len(b.times()) > asked }, "asked")
	if d := b.times()[asked].Sub(start); d < window {
		t.Errorf("asked after %v", d)
	}
	old := first.gate.shared.Load()
	s.cfg.Login.Remember = conf.Duration(90 * 24 * time.Hour)
	if err := first.gate.Reconfigure(s.cfg, Options{}); err != nil {
		t.Fatal(err)
	}
	sh := first.gate.shared.Load()
	if sh.sliding == nil || sh.sliding == old.sliding {
		t.Fatal("sliding does not follow the registry")
	}
	b.says(inactive)
	sock.Expect("sessionEnd")
	sock.ExpectClose(4504)
	if d := b.times()[len(b.times())-1].Sub(start); d < 3*window {
		t.Errorf("a reload had the login asked about after %v, before the second time", d)
	}
}

func TestSlidingTimes(t *testing.T) {
	t.Parallel()
	s := &sliding{window: time.Minute, every: time.Second}
	for n, want := range []time.Duration{time.Minute, 3 * time.Minute, 7 * time.Minute, 15 * time.Minute} {
		if got := s.after(uint(n)); got != want+2*time.Second {
			t.Errorf("time %d: %v", n, got)
		}
		if got := s.passed(want + 2*time.Second); got != uint(n)+1 {
			t.Errorf("%d passed after %v", got, want)
		}
	}
	if n := s.passed(time.Minute); n != 0 {
		t.Errorf("%d times within two passes of the first", n)
	}
	for _, window := range []time.Duration{time.Second, 30 * time.Minute, 365 * 24 * time.Hour} {
		s := &sliding{window: window, every: slideEvery}
		last := time.Duration(0)
		for n := range uint(100) {
			d := s.after(n)
			if d <= last && d != forever || d > forever {
				t.Fatalf("time %d of %v is %v behind %v", n, window, d, last)
			}
			last = d
		}
		if last != forever {
			t.Errorf("%v never ends", window)
		}
	}
}

// Which of its looks at a login ask about it.
func TestSlidingLooks(t *testing.T) {
	t.Parallel()
	s := &sliding{window: time.Minute, every: time.Second, watched: map[session.Identity]*watch{}}
	m := hub.Meta{Account: "bob"}
	m.Login[0] = 1
	w := &watch{}
	s.watched[m.Login] = w
	now := time.Now()
	for i, look := range []struct {
		idle   time.Duration
		asks   bool
		sooner time.Duration // the next look is due within it
	}{
		{10 * time.Second, false, 30 * time.Second},
		{50 * time.Second, false, 12 * time.Second},
		{62 * time.Second, true, 0},
		{63 * time.Second, false, 30 * time.Second}, // asked once
		{3 * time.Minute, false, 2 * time.Second},
		{182 * time.Second, true, 0},
		{4 * time.Minute, false, 30 * time.Second},
		{20 * time.Second, false, 30 * time.Second}, // a request came
		{62 * time.Second, true, 0},
		{-1, false, 62 * time.Second}, // ended meanwhile
	} {
		over := s.over(now, []hub.Meta{m}, []time.Duration{look.idle})
		if asks := len(over) == 1; asks != look.asks {
			t.Fatalf("look %d, idle %v: asks %v", i, look.idle, asks)
		}
		if look.asks {
			w.asked++ // and found active
		} else if d := w.due.Sub(now); d <= 0 || d > look.sooner {
			t.Errorf("look %d, idle %v: the next after %v", i, look.idle, d)
		}
	}
	// One that is new here was asked about by whoever let it in.
	s.watched[m.Login] = &watch{}
	if over := s.over(now, []hub.Meta{m}, []time.Duration{2 * time.Minute}); len(over) > 0 {
		t.Error("a login that has just come is asked about")
	}
}

// What is beyond the bound is noted with the next request.
func TestSlidingBound(t *testing.T) {
	t.Parallel()
	s := &sliding{used: map[session.Identity]lastUse{}}
	for i := range maxUsed + 10 {
		var v session.Verdict
		v.Identity[0], v.Identity[1], v.Identity[2], v.Identity[3] = byte(i), byte(i>>8), byte(i>>16), 1
		s.seen(&v)
	}
	if len(s.used) != maxUsed {
		t.Errorf("%d logins are noted", len(s.used))
	}
	(*sliding)(nil).seen(&session.Verdict{})
}

func TestSlidingSeenAllocatesNothing(t *testing.T) {
	s := &sliding{used: map[session.Identity]lastUse{}}
	v := session.Verdict{Account: "bob"}
	v.Identity[0] = 1
	if n := testing.AllocsPerRun(100, func() { s.seen(&v) }); n > 0 {
		t.Errorf("%v allocations a request", n)
	}
}
