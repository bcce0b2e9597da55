package channel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/pubsub/history"
	"github.com/wsgate/wsgate/core/token"
)

// The errors of Match and Authorize; they are compared with errors.Is.
var (
	// ErrUnknown means that no rule has such a command.
	ErrUnknown = errors.New("channel: unknown command")
	// ErrForbidden means that this login may not.
	ErrForbidden = errors.New("channel: forbidden")
	// ErrUnavailable means that nobody could be asked whether it may.
	ErrUnavailable = errors.New("channel: authorization is unavailable")
)

// User is who asks.
type User struct {
	Subject string
	Aliases []string
	Claims  any
	Device  string
	// Login is the identity of the login; decisions of the backend are kept under
	// it.
	Login   token.Fingerprint
	Token   token.Token
	Request expr.RequestVars
}

// Options are what rules need from outside.
type Options struct {
	// Probe asks the backend. Required where a rule has a probe.
	Probe ProbeFunc
	// Allow is the CEL that stands in for a probe's allow_when. Default: the
	// status is 2xx.
	Allow string
	// Dormant says that a user must not be asked about now, since that would renew a
	// login which nobody uses: then what the backend allowed before to subscribe to
	// still holds. It may do I/O. Default: nobody is.
	Dormant func(ctx context.Context, u *User) bool
}

// UsesToken says whether any rule asks the backend with a User's Token.
func (r *Rules) UsesToken() bool {
	return slices.ContainsFunc(r.rules, func(c rule) bool { return c.authorize.probes() || c.publishBy.probes() })
}

// Resumes says whether any rule has a resume.
func (r *Rules) Resumes() bool {
	return slices.ContainsFunc(r.rules, func(c rule) bool { return c.resume > 0 })
}

// UsesClaims says whether any rule looks at a User's Claims.
func (r *Rules) UsesClaims() bool {
	return slices.ContainsFunc(r.rules, func(c rule) bool {
		return c.redis != nil && c.redis.usesClaims() || c.authorize.usesClaims() || c.publishBy.usesClaims()
	})
}

// UsesHeaders says whether any rule looks at a User's Request.Headers.
func (r *Rules) UsesHeaders() bool {
	return slices.ContainsFunc(r.rules, func(c rule) bool { return c.authorize.usesHeaders() || c.publishBy.usesHeaders() })
}

// Rules are those of one socket path.
type Rules struct {
	rules     []rule
	keyPrefix string
	probe     ProbeFunc
	dormant   func(context.Context, *User) bool
	answers   *lru.Cache[answerKey, answer]
	asking    singleflight.Group
}

type rule struct {
	kind      Kind
	pattern   pattern
	redis     *template // nil: the command itself, or nothing for the account
	reserved  bool      // the rule itself names one of Redis' own channels
	authorize *authorize
	publish   bool       // clients may publish here
	publishBy *authorize // who of them; nil: all

	keep   history.Keep
	resume time.Duration
	last   bool
}

// Compile makes rules of a configuration. acc may be nil. Its errors quote the
// pattern that is wrong and say what to write instead.
func Compile(acc *Account, rules []Config, keyPrefix string, o Options) (*Rules, error) {
	r := &Rules{keyPrefix: keyPrefix, probe: o.Probe, dormant: o.Dormant}
	if acc != nil {
		c, err := compileAccount(acc)
		if err != nil {
			return nil, err
		}
		r.rules = append(r.rules, c)
	}
	shapes := map[string]string{}
	for i := range rules {
		c, err := compileRule(&rules[i], o.Allow)
		if err != nil {
			return nil, err
		}
		if before, ok := shapes[c.pattern.shape()]; ok {
			return nil, fmt.Errorf("channel: %q matches what %q before it does: take one out", c.pattern.text, before)
		}
		shapes[c.pattern.shape()] = c.pattern.text
		r.rules = append(r.rules, c)
	}
	probes := false
	for i := range r.rules {
		c := &r.rules[i]
		if keyPrefix != "" && strings.HasPrefix(c.fixed(), keyPrefix) {
			return nil, fmt.Errorf("channel: %q relays a channel under the key prefix %q, which is never allowed", c.pattern.text, keyPrefix)
		}
		probes = probes || c.authorize.probes() || c.publishBy.probes()
	}
	if err := r.checkPublish(); err != nil {
		return nil, err
	}
	if probes {
		var err error
		if r.answers, err = lru.New[answerKey, answer](maxAnswers); err != nil {
			return nil, fmt.Errorf("channel: %w", err)
		}
	}
	return r, nil
}

func compileAccount(acc *Account) (rule, error) {
	p, err := parsePattern(acc.Pattern, true)
	if err != nil {
		return rule{}, err
	}
	c := rule{kind: Watch, pattern: p}
	if acc.Redis != "" {
		err = c.setRedis(acc.Redis)
	}
	return c, err
}

func compileRule(cfg *Config, allow string) (rule, error) {
	p, err := parsePattern(cfg.Pattern, false)
	if err != nil {
		return rule{}, err
	}
	c := rule{kind: Subscribe, pattern: p}
	if cfg.Redis != "" {
		if err := c.setRedis(cfg.Redis); err != nil {
			return rule{}, err
		}
	}
	c.reserved = strings.HasPrefix(c.fixed(), "__")
	if cfg.Authorize != nil {
		if c.authorize, err = compileAuthorize(cfg.Authorize, &c.pattern, allow); err != nil {
			return rule{}, fmt.Errorf("%w (in the rule %q)", err, p.text)
		}
	}
	if err := c.setHistory(cfg); err != nil {
		return rule{}, fmt.Errorf("%w (in the rule %q)", err, p.text)
	}
	if err := c.setPublish(cfg.Publish, allow); err != nil {
		return rule{}, fmt.Errorf("%w (in the rule %q)", err, p.text)
	}
	return c, nil
}

func (c *rule) setRedis(text string) error {
	t, err := parseTemplate(text, &c.pattern)
	if err != nil {
		return err
	}
	c.redis = &t
	return nil
}

// fixed is what every Redis channel of the rule begins with.
func (c *rule) fixed() string {
	switch {
	case c.redis != nil:
		return c.redis.literals[0]
	case c.kind == Subscribe:
		return c.pattern.literals[0]
	}
	return ""
}

// Authorize decides whether the login may have what it asked for: nil, ErrForbidden, or
// ErrUnavailable with its cause. It may wait for the backend, until ctx ends.
func (r *Rules) Authorize(ctx context.Context, m Match, u User) error {
	if !m.Guarded() {
		return nil
	}
	// A page subscribes again by itself, but publishes for somebody.
	if p := m.rule.authorize.probe; p != nil && r.holds(ctx, p, &m, &u) {
		return nil
	}
	return r.authorize(ctx, m.rule.authorize, &m, &u)
}

func (r *Rules) authorize(ctx context.Context, a *authorize, m *Match, u *User) error {
	switch {
	case a == nil:
		return nil
	case a.when != nil:
		return a.byExpression(m, u)
	}
	return r.byProbe(ctx, a.probe, m, u)
}
