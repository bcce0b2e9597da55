package introspect

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// CacheTTL is how long an active answer is believed.
func (c *Client) CacheTTL() time.Duration { return time.Duration(*c.cfg.CacheTTL) }

// Sliding is how long a login may be without a request before it is asked about once
// more; 0 for ever.
func (c *Client) Sliding() time.Duration { return time.Duration(*c.cfg.Sliding) }

// Kept is the last active answer about a token, however long ago, but for the token's
// own expiry. It is for a login that must not be asked about now.
func (c *Client) Kept(q Query) (Answer, bool) {
	e, ok := c.active.get(q.Fingerprint, c.variant(&q))
	if !ok || q.Claims && e.identity.bare {
		return Answer{}, false
	}
	if e.identity.Ended(time.Now()) {
		return Answer{}, false
	}
	return e.answer(), true
}

// Renew is Identify, whatever is kept: it joins or makes a call.
func (c *Client) Renew(ctx context.Context, q Query) Answer {
	return c.miss(ctx, q, c.variant(&q), Answer{}, false)
}

// Origin is what a later Query about a token needs of a request: copies of the headers
// that are forwarded, nil where there are none.
func (c *Client) Origin(r *http.Request) *http.Request {
	h := http.Header{}
	for i := range c.cfg.ForwardHeaders {
		f := &c.cfg.ForwardHeaders[i]
		if v := forwarded(r, f); len(v) > 0 {
			h[http.CanonicalHeaderKey(f.Name)] = slices.Clone(v)
		}
	}
	if len(h) == 0 {
		return nil
	}
	return &http.Request{Header: h}
}
