package session

import (
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/token"
)

// Options are what a Registry needs.
type Options struct {
	// Realm keeps the accounts of one gate apart from those of others.
	Realm string
	// KeyPrefix is that of every key and of the control channel. It must not
	// contain a brace: Redis Cluster would take it for the account's hash tag.
	KeyPrefix string
	// DB is the number of the database. It is part of the control channel.
	DB int
	// Key makes the fingerprints. All nodes need the same.
	Key *token.Key
	// Remember is how long a login of unknown expiry stays dead, and how long an
	// account without any request is kept. Default: 30 days; at least 2 hours are
	// kept, so that a clock an hour off changes no decision.
	Remember time.Duration
	// Limit is how many logins of an account may be live. Default: 1.
	Limit int
	// PerDevice counts them for each class of device apart. Default: false.
	PerDevice bool
	// Oldest refuses a login beyond the limit instead of displacing: see Result.
	// A holder that nobody has seen for 75 s blocks nobody. Default: false.
	Oldest bool
	// ObservedOnly lets only an observed login displace: any other claim is one with
	// Vacant. Default: false.
	ObservedOnly bool
	// Grace is how long a displaced login may still read. Default: 0.
	Grace time.Duration
	// Log receives what went wrong without failing a call. Default: slog.Default().
	Log *slog.Logger
	// OnEvent is told of each login's end once, whether this node ended it or
	// heard of it; see the package comment on concurrency. It must not block.
	// Default: nobody is told.
	OnEvent func(Event)
}

// Registry is the login registry of one realm. Make one with New.
type Registry struct {
	rdb      redis.UniversalClient
	batch    *batcher
	keys     keys
	lua      *scriptSet
	policy   policy
	remember time.Duration
	log      *slog.Logger
	onEvent  func(Event)
	verdicts *Verdicts
}

// policy is who may be live at the same time.
type policy struct {
	limit     int
	perDevice bool
	oldest    bool
	grace     time.Duration
	observed  bool
}

// New makes a Registry. It does no I/O.
func New(rdb redis.UniversalClient, o Options) *Registry {
	r := &Registry{
		rdb:      rdb,
		batch:    &batcher{rdb: rdb},
		keys:     newKeys(o.Key, o.KeyPrefix, o.Realm, o.DB),
		lua:      scripts,
		policy:   policy{max(1, o.Limit), o.PerDevice, o.Oldest, o.Grace, o.ObservedOnly},
		remember: o.Remember,
		log:      o.Log,
		onEvent:  o.OnEvent,
		verdicts: newVerdicts(),
	}
	if r.remember <= 0 {
		r.remember = DefaultRemember
	}
	if r.log == nil {
		r.log = slog.Default()
	}
	if r.onEvent == nil {
		r.onEvent = func(Event) {}
	}
	return r
}

// Verdicts is the registry's cache.
func (r *Registry) Verdicts() *Verdicts { return r.verdicts }

// EventChannel is the Redis channel whose messages HandleEvent wants.
func (r *Registry) EventChannel() string { return r.keys.events }

// AccountHash is what stands for an account in an Event. "": its name is unusable.
func (r *Registry) AccountHash(account string) string {
	hash, _ := r.keys.hash(account)
	return hash
}

func (r *Registry) rememberMS() string { return strconv.FormatInt(r.remember.Milliseconds(), 10) }

// random makes a handle or an epoch of 128 bits.
func random() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
