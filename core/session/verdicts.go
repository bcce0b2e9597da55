package session

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/wsgate/wsgate/core/token"
)

// MaxRemembered is how many logins of one account a node remembers, to put back what
// Redis forgot: of older ones a tombstone that Redis lost is gone.
const MaxRemembered = 16

// The other bounds of Verdicts. All full, with one login of each
// account, it holds about 65 MB: enough for the sockets that a node has.
const (
	maxAccounts = 65536  // accounts of which something is remembered
	maxTokens   = 131072 // tokens that lead to a login without Redis
	shards      = 16
	// routeFor is how long a token leads to its login without asking Redis,
	// which is told at that time to keep the token's key.
	routeFor = time.Hour
)

// Verdicts is what this node knows of logins: verdicts that serve requests
// without Redis (a live one for at most 2 s, a dead one for a minute), and behind
// them what is put back should Redis forget. A Registry fills it and has events
// change it at once. All methods are safe for concurrent use and do no I/O.
type Verdicts struct {
	shards [shards]shard

	mu       sync.RWMutex
	accounts *simplelru.LRU[string, *known]
	logins   map[Identity]*record
}

// shard is a part of the tokens, to keep readers off each other's lock.
type shard struct {
	mu sync.RWMutex
	m  map[token.Fingerprint]route
}

// route leads from a token to its login.
type route struct {
	rec *record
	// until is when Redis is to be asked again.
	until time.Time
}

// known are the remembered logins of one account, the oldest first.
type known struct {
	hash    string
	records []*record
}

// record is one remembered login. Its view is nil once it was evicted, unless it is
// pinned.
type record struct {
	account string // hash
	view    atomic.Pointer[view]
	evicted atomic.Bool
	pinned  bool // by a Kept, which has no other memory of it; Verdicts.mu is over it
}

// current is what is remembered, nil where nothing is any more.
func (rec *record) current() *view {
	if rec.evicted.Load() {
		return nil
	}
	return rec.view.Load()
}

func newVerdicts() *Verdicts {
	d := &Verdicts{logins: make(map[Identity]*record)}
	for i := range d.shards {
		d.shards[i].m = make(map[token.Fingerprint]route)
	}
	// NewLRU fails for a size below 1 only.
	d.accounts, _ = simplelru.NewLRU(maxAccounts, func(_ string, k *known) {
		for _, rec := range k.records {
			d.drop(rec)
		}
	})
	return d
}

// Get returns the verdict on a token where one serves without Redis.
func (d *Verdicts) Get(fp token.Fingerprint) (Verdict, bool) {
	s := &d.shards[fp[0]%shards]
	s.mu.RLock()
	rt := s.m[fp]
	s.mu.RUnlock()
	if rt.rec == nil {
		return Verdict{}, false
	}
	w := rt.rec.current()
	if w == nil || w.fresh.passed(time.Now()) {
		return Verdict{}, false
	}
	return w.verdict(), true
}

// Identity returns the newest that this node heard of a login, however old: a
// dead one is dead, a live one may have ended since. It is for the check after
// a socket was put into the local index.
func (d *Verdicts) Identity(id Identity) (Verdict, bool) {
	w := d.remembered(id)
	if w == nil {
		return Verdict{}, false
	}
	return w.verdict(), true
}

func (d *Verdicts) remembered(id Identity) *view {
	d.mu.RLock()
	rec := d.logins[id]
	d.mu.RUnlock()
	if rec == nil {
		return nil
	}
	return rec.current()
}

// hashOf is the hash of an account of which a login is remembered.
func (d *Verdicts) hashOf(id Identity, account string) (string, bool) {
	d.mu.RLock()
	rec := d.logins[id]
	d.mu.RUnlock()
	if rec == nil {
		return "", false
	}
	w := rec.current()
	return rec.account, w != nil && w.Account == account
}

// route returns the login that a token leads to; due says that Redis should be
// asked where the token leads, too.
func (d *Verdicts) route(fp token.Fingerprint) (l Login, ok, due bool) {
	s := &d.shards[fp[0]%shards]
	s.mu.RLock()
	rt := s.m[fp]
	s.mu.RUnlock()
	if rt.rec == nil {
		return Login{}, false, true
	}
	w := rt.rec.current()
	if w == nil || w.Account == "" {
		return Login{}, false, true
	}
	return Login{Account: w.Account, Identity: w.Identity, Token: fp}, true, !time.Now().Before(rt.until)
}

// learn takes in a view, and returns what is now known of the login: something
// else than v where v had been overtaken. news says that the login was not known
// to be what it is now. fp leads to the login from now on, unless it is zero.
func (d *Verdicts) learn(account string, v *view, fp token.Fingerprint) (now *view, news bool) {
	d.mu.Lock()
	rec := d.logins[v.Identity]
	if rec == nil {
		rec = &record{account: account}
		d.add(rec, v.Identity)
	} else {
		d.accounts.Get(account) // used just now
	}
	old := rec.view.Load()
	news = old == nil || old.SID != v.SID || old.Status != v.Status
	switch {
	case !v.supersedes(old):
		v, news = old, false
	case v.Account == "" && old != nil:
		v = v.named(old.Account)
	}
	rec.view.Store(v)
	d.mu.Unlock()
	if !fp.IsZero() {
		d.lead(fp, rec)
	}
	return v, news
}

// add makes room for a record. Must be called with mu held.
func (d *Verdicts) add(rec *record, id Identity) {
	k, ok := d.accounts.Get(rec.account)
	if !ok {
		k = &known{hash: rec.account}
		d.accounts.Add(rec.account, k)
	}
	if len(k.records) >= MaxRemembered {
		// Of a live login more is lost than of a dead one.
		victim := 0
		for i, old := range k.records {
			if w := old.view.Load(); w == nil || w.Status == Dead {
				victim = i
				break
			}
		}
		d.drop(k.records[victim])
		k.records = append(k.records[:victim], k.records[victim+1:]...)
	}
	k.records = append(k.records, rec)
	d.logins[id] = rec
}

// drop forgets a record. Must be called with mu held.
func (d *Verdicts) drop(rec *record) {
	rec.evicted.Store(true)
	w := rec.view.Load()
	if w != nil {
		delete(d.logins, w.Identity)
	}
	if !rec.pinned {
		rec.view.Store(nil)
	}
}

// lead makes a token lead to a login.
func (d *Verdicts) lead(fp token.Fingerprint, rec *record) {
	s := &d.shards[fp[0]%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.m[fp]
	if ok && old.rec == rec {
		return
	}
	if !ok && len(s.m) >= maxTokens/shards {
		for victim := range s.m { // any: maps yield a random one first
			delete(s.m, victim)
			break
		}
	}
	s.m[fp] = route{rec: rec, until: time.Now().Add(routeFor)}
}

// renewed notes that Redis was just asked where a token leads.
func (d *Verdicts) renewed(fp token.Fingerprint) {
	s := &d.shards[fp[0]%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if rt, ok := s.m[fp]; ok {
		rt.until = time.Now().Add(routeFor)
		s.m[fp] = rt
	}
}

// reborn forgets that a login is dead, after an event that began a new generation
// of it: Redis is asked the next time, and the tombstone is not put back.
func (d *Verdicts) reborn(id Identity) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rec := d.logins[id]
	if rec == nil {
		return
	}
	if w := rec.view.Load(); w != nil && w.Status == Dead {
		old := w.copied()
		old.death = &death{verdict: w.death.verdict}
		old.fresh.since.Store(0)
		rec.view.Store(old)
	}
}

// dead returns the tombstones remembered of an account that have not ended.
func (d *Verdicts) dead(account string) []*view {
	now := time.Now()
	return d.of(account, func(w *view) bool { return w.lasts(now) })
}

// live returns the logins of an account that were live when this node last heard.
func (d *Verdicts) live(account string) []*view {
	return d.of(account, func(w *view) bool { return w.Status == Live })
}

func (d *Verdicts) of(account string, which func(*view) bool) []*view {
	d.mu.RLock()
	defer d.mu.RUnlock()
	k, ok := d.accounts.Peek(account)
	if !ok {
		return nil
	}
	var out []*view
	for _, rec := range k.records {
		if w := rec.view.Load(); w != nil && which(w) {
			out = append(out, w)
		}
	}
	return out
}
