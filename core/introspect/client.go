package introspect

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/token"
)

// Client asks one endpoint.
type Client struct {
	cfg      Config
	http     atomic.Pointer[http.Client]
	build    *builder
	rules    *rules
	log      *reporter
	active   *cache
	inactive *cache
	flights  flights
	calls    *slots
	probes   *slots
	failing  atomic.Bool     // the last call had no answer
	ctx      context.Context //nolint:containedctx // the life of the client, from New to Close
	cancel   context.CancelFunc
}

// New makes a Client. It makes no call. Errors say which option is wrong and
// what to write instead. A nil expand leaves values as they are; a nil log is
// slog.Default().
func New(cfg Config, expand conf.Expand, log *slog.Logger) (*Client, error) {
	if expand == nil {
		expand = func(s string) (string, error) { return s, nil }
	}
	if log == nil {
		log = slog.Default()
	}
	preset, err := PresetFor(cfg)
	if err != nil {
		return nil, err
	}
	inactiveGiven := cfg.InactiveWhen != "" || preset.Config.InactiveWhen != ""
	cfg = cfg.merge(preset.Config)
	if err := cfg.check(inactiveGiven); err != nil {
		return nil, err
	}
	c := &Client{
		cfg:      cfg,
		log:      newReporter(log),
		active:   newCache(maxActive, maxActiveBytes),
		inactive: newCache(maxInactive, 1<<30),
		calls:    newSlots(cfg.MaxInFlight),
		probes:   newSlots(max(1, cfg.MaxInFlight/2)),
	}
	c.SetTransport(nil)
	if c.build, err = newBuilder(&cfg, expand); err != nil {
		return nil, err
	}
	if c.rules, err = newRules(&cfg); err != nil {
		return nil, err
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// Close ends all calls and waits for them. Identify then answers with ErrClosed,
// or from the cache.
func (c *Client) Close() {
	c.cancel()
	c.flights.close()
	c.http.Load().CloseIdleConnections()
}

// SetTransport makes the next calls go by rt, which must be safe for concurrent use;
// nil is a transport of the Client's own. Calls that are under way end on the one
// before, whose idle connections are closed, if it is one that can.
func (c *Client) SetTransport(rt http.RoundTripper) {
	if rt == nil {
		rt = newTransport(&c.cfg)
	}
	if old := c.http.Swap(newHTTPClient(rt)); old != nil {
		old.CloseIdleConnections()
	}
}

// Cached answers without I/O, if it can.
func (c *Client) Cached(q Query) (Answer, bool) {
	a, fresh, _ := c.lookup(&q, c.variant(&q), time.Now())
	return a, fresh
}

// lookup returns a kept answer that is fresh, or one that would serve an outage.
func (c *Client) lookup(q *Query, v variant, now time.Time) (a Answer, fresh, stale bool) {
	if e, ok := c.active.get(q.Fingerprint, v); ok && !(q.Claims && e.identity.bare) {
		if now.Before(e.fresh) {
			return e.answer(), true, false
		}
		if now.Before(e.stale) {
			return e.answer(), false, true
		}
	}
	if e, ok := c.inactive.get(q.Fingerprint, v); ok && now.Before(e.fresh) {
		return e.answer(), true, false
	}
	return Answer{}, false, false
}

// Forget drops what is kept about a token, and what is being asked about it.
func (c *Client) Forget(fp token.Fingerprint) {
	c.flights.forget(fp, func() {
		c.active.drop(fp, nil)
		c.inactive.drop(fp, nil)
	})
}

// Identify says whose a token is: from the cache, from a call that is under way,
// or from a call of its own, which goes on for others if ctx ends.
func (c *Client) Identify(ctx context.Context, q Query) Answer {
	if q.Token.IsZero() {
		return failed(fmt.Errorf("%w: there is no token to ask about", ErrConfig))
	}
	v := c.variant(&q)
	old, fresh, stale := c.lookup(&q, v, time.Now())
	if fresh {
		return old
	}
	return c.miss(ctx, q, v, old, stale)
}

// miss joins or makes a call. It is apart from Identify so that a cached answer
// allocates nothing.
func (c *Client) miss(ctx context.Context, q Query, v variant, old Answer, stale bool) Answer {
	f := c.flights.join(flightKey{q.Fingerprint, v, q.Known, q.Claims},
		func() func() Answer {
			taken := c.build.taken(q.Request)
			return func() Answer { return c.ask(&q, taken, v.device) }
		},
		func(a Answer) { c.keep(q.Fingerprint, v, a) })
	if f == nil {
		return orStale(failed(ErrClosed), old, stale)
	}
	if stale && c.failing.Load() {
		// An endpoint that hangs would make every request wait for the
		// time-out. The call goes on, and finds out when it is well again.
		select {
		case <-f.done:
		default:
			return orStale(failed(ErrUnreachable), old, stale)
		}
	}
	select {
	case <-f.done:
		return orStale(f.answer, old, stale)
	case <-ctx.Done():
		return orStale(failed(fmt.Errorf("%w: %w", ErrUnreachable, ctx.Err())), old, stale)
	}
}

func orStale(a, old Answer, stale bool) Answer {
	if a.Outcome != Error || !stale {
		return a
	}
	old.Stale, old.Err = true, a.Err
	return old
}

// ask makes one call. It never panics.
func (c *Client) ask(q *Query, taken http.Header, device string) (a Answer) {
	defer func() {
		if p := recover(); p != nil {
			a = failed(fmt.Errorf("%w: %T while asking", ErrConfig, p))
		}
		c.failing.Store(a.Outcome == Error)
		c.log.report(q.Fingerprint, a.Err)
	}()
	ctx, cancel := context.WithTimeout(c.ctx, time.Duration(c.cfg.Timeout))
	defer cancel()
	if err := c.calls.acquire(ctx, q.Known); err != nil {
		return failed(fmt.Errorf("%w: waiting for one of max_in_flight %d places: %w", ErrUnreachable, c.cfg.MaxInFlight, err))
	}
	defer c.calls.release(q.Known)
	r, err := c.build.introspection(ctx, q.Token, taken)
	if err != nil {
		return failed(err)
	}
	res, err := c.call(r)
	if err != nil {
		return failed(err)
	}
	a = c.rules.judge(res, q.Token, q.Claims)
	if a.Outcome == Active && c.rules.device == nil {
		a.Identity.Device = device
	}
	return a
}

// keep caches an answer. An error changes nothing.
func (c *Client) keep(fp token.Fingerprint, v variant, a Answer) {
	now := time.Now()
	switch a.Outcome {
	case Error:
	case Active:
		fresh := now.Add(time.Duration(*c.cfg.CacheTTL))
		stale := fresh.Add(time.Duration(*c.cfg.StaleIfError))
		if end := a.Identity.Expires; !end.IsZero() {
			fresh, stale = earlier(fresh, end), earlier(stale, end)
		}
		c.inactive.drop(fp, &v)
		c.active.put(fp, entry{variant: v, identity: a.Identity, fresh: fresh, stale: stale, size: sizeOf(a.Identity)})
	case Inactive:
		c.active.drop(fp, &v)
		c.inactive.put(fp, entry{variant: v, fresh: now.Add(time.Duration(*c.cfg.NegativeTTL))})
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// variant computes what the answer depends on besides the token.
func (c *Client) variant(q *Query) (v variant) {
	if c.rules.device == nil {
		v.device = deviceOther
		if q.Request != nil {
			v.device = deviceOf(q.Request.Header)
		}
	}
	if len(c.cfg.ForwardHeaders) == 0 || q.Request == nil {
		return v
	}
	var b []byte
	some := false
	for i := range c.cfg.ForwardHeaders {
		values := forwarded(q.Request, &c.cfg.ForwardHeaders[i])
		some = some || len(values) > 0
		b = binary.AppendUvarint(b, uint64(len(values)))
		for _, x := range values {
			b = binary.AppendUvarint(b, uint64(len(x)))
			b = append(b, x...)
		}
	}
	if some {
		sum := sha256.Sum256(b)
		v.forwarded = string(sum[:])
	}
	return v
}
