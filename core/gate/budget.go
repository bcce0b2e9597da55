package gate

import (
	"context"
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/wsgate/wsgate/core/token"
)

const (
	budgetKeys = 1 << 16         // clients remembered, least recently used go first
	budgetWait = 1 * time.Second // a request over budget waits this long at most
)

// limiters is a bounded set of token buckets. It is safe for concurrent use.
type limiters[K comparable] struct {
	limit rate.Limit
	burst int
	keys  *lru.Cache[K, *rate.Limiter]
}

func newLimiters[K comparable](perMinute, burst int) *limiters[K] {
	c, err := lru.New[K, *rate.Limiter](budgetKeys)
	if err != nil {
		panic("gate: " + err.Error()) // the size is a positive constant
	}
	return &limiters[K]{limit: rate.Limit(float64(perMinute) / 60), burst: burst, keys: c}
}

func (l *limiters[K]) get(k K) *rate.Limiter {
	if lim, ok := l.keys.Get(k); ok {
		return lim
	}
	lim := rate.NewLimiter(l.limit, l.burst)
	if prev, ok, _ := l.keys.PeekOrAdd(k, lim); ok {
		return prev
	}
	return lim
}

// unknownTokens is the budget of one client address for tokens that no node
// has seen: without it, a flood of random tokens would become a flood of
// introspection calls. Nil means no budget.
type unknownTokens struct {
	perIP *limiters[netip.Prefix]
}

func newUnknownTokens(c UnknownTokens) *unknownTokens {
	if c.Off {
		return nil
	}
	perMinute, atOnce := c.PerMinute, c.AtOnce
	if perMinute == 0 {
		perMinute = 1200
	}
	if atOnce == 0 {
		atOnce = 32
	}
	return &unknownTokens{perIP: newLimiters[netip.Prefix](perMinute, atOnce)}
}

// take waits for the budget, at most a second, and says whether there was any.
func (u *unknownTokens) take(ctx context.Context, ip string) bool {
	if u == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, budgetWait)
	defer cancel()
	return u.perIP.get(network(ip)).Wait(ctx) == nil
}

// network is what one subscriber is usually given: an IPv4 address or an IPv6
// /64. What is no address at all (a Unix socket's peer) shares one budget.
func network(ip string) netip.Prefix {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// returns bounds how often one dead token may come back to be told again: a
// page that reconnects on every close would do so for ever.
type returns struct {
	perToken *limiters[token.Fingerprint]
}

func newReturns() returns {
	return returns{perToken: newLimiters[token.Fingerprint](returnsPerMinute, returnsPerMinute)}
}

const returnsPerMinute = 10

func (r returns) allow(fp token.Fingerprint) bool { return r.perToken.get(fp).Allow() }
