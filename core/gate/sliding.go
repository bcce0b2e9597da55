package gate

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/session"
)

// sliding follows logins whose backend renews them with every request and ends them
// when none comes for a while. A socket is no request, so such a login ends behind its
// back; and a question to the backend is one, so asking too early would keep an idle
// login alive for ever. A login with a socket is asked about once no request of it was
// seen for the window, on any node, and where it is still active once more after twice
// that time, and so on: so one whose backend waits longer than the window ends as well.
//
// seen is safe for concurrent use, and so are the methods that ask; the rest belongs
// to run's goroutine.
type sliding struct {
	gate   *Gate
	sh     *shared // of which the registry, the asker and the link count
	end    context.CancelFunc
	window time.Duration
	// every is how often uses are passed on and sockets looked at.
	every time.Duration

	mu   sync.Mutex
	used map[session.Identity]lastUse // since the last pass; at most maxUsed

	watched map[session.Identity]*watch
	asking  atomic.Bool // questions are under way
}

type lastUse struct {
	account string
	at      time.Time
}

// watch is one login with a socket here. While questions are under way those that are
// asked about belong to them.
type watch struct {
	due   time.Time // when to look at it again
	asked uint      // how many of the times to ask have passed since its last request
	known bool      // asked is known
	here  bool      // in this pass
}

const (
	// maxUsed bounds the logins whose requests are noted between two passes. What is
	// beyond is noted with its next request.
	maxUsed = 65536
	// slideEvery is at most how often requests are passed on.
	slideEvery = 15 * time.Second
	// askers is how many logins are asked about at the same time.
	askers = 8
	// forever is when a login is asked about no more.
	forever = 100 * 365 * 24 * time.Hour
	// askAgain is at most how long after an error the backend is asked again.
	askAgain = time.Minute
)

func newSliding(g *Gate, sh *shared, window time.Duration) *sliding {
	return &sliding{
		gate: g, sh: sh, window: window,
		every:   max(10*time.Millisecond, min(slideEvery, window/16)),
		used:    map[session.Identity]lastUse{},
		watched: map[session.Identity]*watch{},
	}
}

// slide starts what the configuration wants, or keeps the old one.
func (g *Gate) slide(sh, old *shared) {
	window := sh.asker.Sliding()
	switch {
	case !sh.login || window == 0:
		return
	case old != nil && old.sliding != nil && old.registry == sh.registry && old.asker == sh.asker:
		sh.sliding = old.sliding
		return
	}
	sh.sliding = newSliding(g, sh, window)
	ctx, end := context.WithCancel(g.ctx)
	sh.sliding.end = end
	g.spawn(func() { sh.sliding.run(ctx) })
}

// seen notes a request of a live login that goes to the backend, which renews it.
func (s *sliding) seen(v *session.Verdict) {
	if s == nil || v.Identity.IsZero() {
		return
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.used[v.Identity]; known || len(s.used) < maxUsed {
		s.used[v.Identity] = lastUse{v.Account, now}
	}
}

// idle is how long ago the last request of a login was seen, on any node; an error
// where that can't be said.
func (s *sliding) idle(ctx context.Context, account string, id session.Identity) (time.Duration, error) {
	u := session.Use{Account: account, Identity: id, Ago: -1}
	s.mu.Lock()
	if last, ok := s.used[id]; ok {
		u.Ago = time.Since(last.at)
	}
	s.mu.Unlock()
	ctx, cancel := s.sh.patience(ctx)
	defer cancel()
	idle, err := s.sh.registry.Idle(ctx, []session.Use{u})
	if err != nil {
		return 0, err
	}
	return idle[0], nil
}

// dormant says that a login is idle, but not yet for so long that the backend may have
// ended it: asking about it would renew it.
func (s *sliding) dormant(ctx context.Context, account string, id session.Identity) bool {
	if s == nil {
		return false
	}
	idle, err := s.idle(ctx, account, id)
	return err == nil && idle >= s.sh.asker.CacheTTL() && idle < s.after(0)
}

// after is how long a login must be idle to be asked about for the nth time, from 0:
// one window, three, seven, and so on. What other nodes saw may take two passes to be
// known here.
func (s *sliding) after(n uint) time.Duration {
	if s.window >= forever>>min(n+1, 62) {
		return forever
	}
	return s.window*(2<<n-1) + 2*s.every
}

// passed is how many of the times to ask an idle login has behind it.
func (s *sliding) passed(idle time.Duration) (n uint) {
	for at := s.after(n); at < forever && idle >= at; at = s.after(n) {
		n++
	}
	return n
}

func (s *sliding) run(ctx context.Context) {
	t := time.NewTicker(s.every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = s.note(ctx) // nothing else can be done with what the next node won't know
			return
		case <-t.C:
		}
		if err := s.pass(ctx); err != nil {
			s.gate.trouble("uses of logins can't be noted", err)
		}
	}
}

// pass passes on what was used, and then looks at the logins that are due.
func (s *sliding) pass(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	if err := s.note(ctx); err != nil {
		return err
	}
	due := s.due(time.Now())
	if len(due) == 0 {
		return nil
	}
	uses := make([]session.Use, len(due))
	for i := range due {
		uses[i] = session.Use{Account: due[i].Account, Identity: due[i].Login, Ago: -1}
	}
	idle, err := s.sh.registry.Idle(ctx, uses)
	if err != nil {
		return err
	}
	s.ask(s.over(time.Now(), due, idle))
	return nil
}

// note tells the registry of the requests that were seen.
func (s *sliding) note(ctx context.Context) error {
	s.mu.Lock()
	used := s.used
	s.used = make(map[session.Identity]lastUse, len(used))
	s.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	uses := make([]session.Use, 0, len(used))
	for id, u := range used {
		uses = append(uses, session.Use{Account: u.account, Identity: id, Ago: time.Since(u.at)})
	}
	_, err := s.sh.registry.Idle(ctx, uses)
	if err == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, u := range used {
		if _, newer := s.used[id]; !newer && len(s.used) < maxUsed {
			s.used[id] = u
		}
	}
	return err
}

// due are the logins with a socket here that it is time to look at, by one of their
// sockets each.
func (s *sliding) due(now time.Time) []hub.Meta {
	if s.asking.Load() {
		return nil
	}
	var due []hub.Meta
	for id, m := range s.gate.hub.Logins() {
		if _, ok := m.User.(*client); !ok || id.IsZero() {
			continue
		}
		w := s.watched[id]
		if w == nil {
			w = &watch{}
			s.watched[id] = w
		}
		w.here = true
		if !now.Before(w.due) {
			due = append(due, m)
		}
	}
	for id, w := range s.watched {
		if !w.here {
			delete(s.watched, id)
		}
		w.here = false
	}
	return due
}

// over are those that have been idle for long enough; the others are put off. One that
// is new here was asked about when its socket came, or by the node before.
func (s *sliding) over(now time.Time, due []hub.Meta, idle []time.Duration) []hub.Meta {
	var over []hub.Meta
	for i := range due {
		w := s.watched[due[i].Login]
		if idle[i] < 0 { // not live: the reconciler's
			w.due = now.Add(s.after(0))
			continue
		}
		if n := s.passed(idle[i]); !w.known || n < w.asked {
			w.asked, w.known = n, true
		}
		if left := s.after(w.asked) - idle[i]; left > 0 {
			// Looked at within a window, a request on any node can't be missed.
			w.due = now.Add(min(left, s.window/2))
			continue
		}
		over = append(over, due[i])
	}
	return over
}

// ask asks the backend about logins, a few at a time.
func (s *sliding) ask(over []hub.Meta) {
	if len(over) == 0 {
		return
	}
	s.asking.Store(true)
	s.gate.spawn(func() {
		defer s.asking.Store(false)
		var wg sync.WaitGroup
		defer wg.Wait()
		places := make(chan struct{}, askers)
		for _, m := range over {
			w := s.watched[m.Login]
			places <- struct{}{}
			wg.Go(func() {
				defer func() { <-places }()
				s.askOne(m, w)
			})
		}
	})
}

// askOne asks about one login, by the token of one of its sockets.
func (s *sliding) askOne(m hub.Meta, w *watch) {
	var err error
	defer s.gate.recovered("sliding", &err)
	cl := m.User.(*client)
	fp := cl.login.Load().Token() // before its token: see renew
	t := cl.token()
	if t.IsZero() {
		w.due = time.Now().Add(s.after(0)) // from before sliding: asked to come again
		return
	}
	q := introspect.Query{Token: t, Fingerprint: fp, Request: cl.origin, Known: true}
	a := s.sh.asker.Renew(s.gate.ctx, q)
	switch a.Outcome {
	case introspect.Active:
		w.asked++
	case introspect.Error: // it ends no login, and introspect has logged why
		w.due = time.Now().Add(min(askAgain, s.window))
	case introspect.Inactive:
		s.sh.asker.Forget(q.Fingerprint)
		s.gate.hub.CloseLogin(m.Login, func(sock *hub.Socket) {
			// A login may have several tokens, and only this one is known to have ended.
			if c, ok := sock.Meta().User.(*client); ok && c.token() == t {
				s.gate.expired(sock)
			}
		})
	}
}
