package session

import (
	"context"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/redisconn"
	"github.com/wsgate/wsgate/core/token"
)

// world is one Redis with one realm and any number of nodes.
type world struct {
	tb    testing.TB
	redis *proctest.RedisServer
	rdb   redis.UniversalClient
	realm string
	key   *token.Key
	// policy are the options of nodes that say who may be live.
	policy Options
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	s := proctest.Redis(tb)
	return &world{tb: tb, redis: s, rdb: open(tb, s, nil), realm: "default", key: newKey()}
}

func newKey() *token.Key { return newKeyOf("secret of the tests") }

func newKeyOf(secret string) *token.Key { return token.NewKey(secret, "default") }

func mustToken(tb testing.TB, raw string) token.Token {
	tb.Helper()
	t, err := token.New(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// in is the same Redis with another realm.
func (w *world) in(realm string) *world {
	o := *w
	o.realm, o.key = realm, token.NewKey("secret of the tests", realm)
	return &o
}

func open(tb testing.TB, s *proctest.RedisServer, wrap redisconn.DialWrap) *redis.Client {
	tb.Helper()
	c, err := redisconn.OpenLink(redisconn.Config{URLs: []string{s.URL()}}, func(s string) (string, error) { return s, nil }, redisconn.Options{WrapDial: wrap})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

// failer is what helpers need of a *testing.T or a *rapid.T.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// node is a registry with a stand-in for the hub.
type node struct {
	*Registry
	hub *hub
}

func (w *world) node() *node { return w.nodeOn(w.rdb) }

func (w *world) nodeOn(rdb redis.UniversalClient) *node {
	n := &node{hub: &hub{sockets: map[Identity]*Kept{}}}
	o := w.policy
	o.Realm, o.KeyPrefix, o.Key, o.Remember = w.realm, "wsgate:", w.key, DefaultRemember
	o.Log, o.OnEvent = slog.New(slog.DiscardHandler), n.hub.event
	n.Registry = New(rdb, o)
	n.hub.reg = n.Registry
	return n
}

// under is the same Redis and realm with another policy.
func (w *world) under(o Options) *world {
	c := *w
	c.policy = o
	return &c
}

func (n *node) pass(tb failer) {
	tb.Helper()
	if err := NewReconciler(n.Registry, n.hub, 0).Pass(context.Background()); err != nil {
		tb.Fatal(err)
	}
}

// listen feeds the node with events until the test ends.
func (n *node) listen(tb testing.TB, rdb redis.UniversalClient) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ps := rdb.Subscribe(ctx, n.EventChannel())
	if _, err := ps.Receive(ctx); err != nil {
		tb.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			m, err := ps.ReceiveMessage(ctx)
			if err != nil {
				return
			}
			n.HandleEvent([]byte(m.Payload))
		}
	})
	tb.Cleanup(func() {
		cancel()
		_ = ps.Close()
		wg.Wait()
	})
}

// hub holds one socket of each login, as a real one would.
type hub struct {
	reg     *Registry
	mu      sync.Mutex
	sockets map[Identity]*Kept
	ended   []Verdict // of sockets that were closed
	told    []Verdict // by events, sockets or not
}

func (h *hub) attach(l Login) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sockets[l.Identity] = h.reg.Keep(l)
}

func (h *hub) has(id Identity) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.sockets[id]
	return ok
}

func (h *hub) closed() []Verdict {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ended)
}

func (h *hub) event(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range e.Ended {
		h.told = append(h.told, v)
		if l, ok := h.sockets[v.Identity]; ok && l.SID() == v.SID {
			delete(h.sockets, v.Identity)
			h.ended = append(h.ended, v)
		}
	}
}

func (h *hub) Logins() iter.Seq[*Kept] {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Values(slices.Collect(maps.Values(h.sockets)))
}

func (h *hub) Admitted(old Identity, l Login) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sockets, old)
	h.sockets[l.Identity] = h.reg.Keep(l)
}

func (h *hub) Ended(id Identity, v Verdict) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.sockets[id]; ok {
		delete(h.sockets, id)
		h.ended = append(h.ended, v)
	}
}

// login makes a login of an account, with a session id of its own.
func (w *world) login(account, session string) Login {
	t := w.token(account + "'s token of " + session)
	return Login{
		Account: account, Identity: w.key.Label("session of "+account, session), Token: t,
		IP: "192.0.2.1", UserAgent: "test",
	}
}

func (w *world) token(name string) token.Fingerprint { return w.key.Label("token", name) }

func (n *node) claim(tb failer, c Claim) Result {
	tb.Helper()
	res, err := n.Claim(context.Background(), c)
	if err != nil {
		tb.Fatalf("claim: %v", err)
	}
	return res
}

// mustLive claims and puts a socket into the hub.
func (n *node) mustLive(tb failer, c Claim) Login {
	tb.Helper()
	res := n.claim(tb, c)
	if !res.Live() {
		tb.Fatalf("claim: %v, want live", res.Outcome)
	}
	n.hub.attach(res.Login)
	return res.Login
}

func (n *node) touch(tb failer, l Login) Verdict {
	tb.Helper()
	vs, err := n.Touch(context.Background(), []Login{l})
	if err != nil {
		tb.Fatalf("touch: %v", err)
	}
	return vs[0]
}

func (n *node) lookup(tb failer, fp token.Fingerprint) Verdict {
	tb.Helper()
	v, err := n.Lookup(context.Background(), fp, "")
	if err != nil {
		tb.Fatalf("lookup: %v", err)
	}
	return v
}

func want(tb failer, what string, v Verdict, s Status, r Reason) {
	tb.Helper()
	if v.Status != s || v.Reason != r {
		tb.Fatalf("%s: %v %q, want %v %q", what, v.Status, v.Reason, s, r)
	}
}

func wantOutcome(tb failer, what string, res Result, o Outcome) {
	tb.Helper()
	if res.Outcome != o {
		tb.Fatalf("%s: outcome %v, want %v", what, res.Outcome, o)
	}
}

// live is how many logins of an account Redis holds.
func (w *world) live(tb failer, n *node, account string) int {
	tb.Helper()
	hash, err := n.keys.hash(account)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := w.rdb.HLen(context.Background(), n.keys.account(hash)[1]).Result()
	if err != nil {
		tb.Fatal(err)
	}
	return int(c)
}

func at(sec int64) time.Time { return time.Unix(sec, 0) }

// left is how long a moment is away.
func (m *moment) left() time.Duration {
	return time.Duration(m.since.Load()) - time.Since(processBegan)
}
