package introspect

import (
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/wsgate/wsgate/core/token"
)

// The bounds of the caches.
const (
	maxActive      = 100_000
	maxActiveBytes = 64 << 20
	maxInactive    = 10_000
	// maxVariants bounds what one token can have in a cache.
	maxVariants = 8
)

// variant is what an answer depends on besides the token: the forwarded headers,
// and the class of device where it comes from the user agent.
type variant struct {
	forwarded string // a hash, "" where there are none
	device    string
}

// entry is one kept answer. It does not change but for retry.
type entry struct {
	variant  variant
	identity *Identity // nil: the token is inactive
	fresh    time.Time // believed until then
	stale    time.Time // serves an outage until then
	size     int
}

// answer is what was kept.
func (e *entry) answer() Answer {
	if e.identity == nil {
		return Answer{Outcome: Inactive}
	}
	return Answer{Outcome: Active, Identity: e.identity}
}

// cache keeps entries by token, the least recently used going first. mu guards
// all of it; nothing waits under it.
type cache struct {
	mu       sync.Mutex
	lru      *simplelru.LRU[token.Fingerprint, []entry]
	size     int
	maxBytes int
}

func newCache(n, maxBytes int) *cache {
	c := &cache{maxBytes: maxBytes}
	c.lru, _ = simplelru.NewLRU(n, func(_ token.Fingerprint, es []entry) { // fails for n < 1 only
		for i := range es {
			c.size -= es[i].size
		}
	})
	return c
}

func (c *cache) get(fp token.Fingerprint, v variant) (entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	es, _ := c.lru.Get(fp)
	for i := range es {
		if es[i].variant == v {
			return es[i], true
		}
	}
	return entry{}, false
}

func (c *cache) put(fp token.Fingerprint, e entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, _ := c.lru.Peek(fp)
	es := make([]entry, 0, len(old)+1)
	for _, o := range old {
		if o.variant != e.variant {
			es = append(es, o)
		}
	}
	if es = append(es, e); len(es) > maxVariants {
		es = es[1:]
	}
	c.lru.Remove(fp)
	for i := range es {
		c.size += es[i].size
	}
	c.lru.Add(fp, es)
	c.expire(time.Now())
	for c.size > c.maxBytes && c.lru.Len() > 0 {
		c.lru.RemoveOldest()
	}
}

// expire drops the entries that are of no more use among the two that were used least
// recently: a cache that is written to more slowly than its entries age stays as small
// as they are few. Must be called with mu held.
func (c *cache) expire(now time.Time) {
	for range 2 {
		fp, es, ok := c.lru.GetOldest()
		if !ok || slices.ContainsFunc(es, func(e entry) bool { return now.Before(e.fresh) || now.Before(e.stale) }) {
			return
		}
		c.lru.Remove(fp)
	}
}

// drop removes one variant, or all with a nil one.
func (c *cache) drop(fp token.Fingerprint, v *variant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	es, ok := c.lru.Peek(fp)
	if !ok {
		return
	}
	var rest []entry
	for _, e := range es {
		if v != nil && e.variant != *v {
			rest = append(rest, e)
		}
	}
	c.lru.Remove(fp)
	if len(rest) > 0 {
		for i := range rest {
			c.size += rest[i].size
		}
		c.lru.Add(fp, rest)
	}
}

// sizeOf estimates the memory of an identity, in bytes.
func sizeOf(id *Identity) int {
	n := 512 + len(id.Subject) + len(id.Session) + sizeOfValue(id.Claims)
	for _, a := range id.Aliases {
		n += 16 + len(a)
	}
	return n
}

func sizeOfValue(v any) int {
	n := 16
	switch v := v.(type) {
	case string:
		n += len(v)
	case []byte:
		n += len(v)
	case []any:
		for _, x := range v {
			n += sizeOfValue(x)
		}
	case map[string]any:
		n += 48
		for k, x := range v {
			n += 32 + len(k) + sizeOfValue(x)
		}
	}
	return n
}
