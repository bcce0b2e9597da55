package introspect

import (
	"slices"
	"strings"
	"time"

	"github.com/wsgate/wsgate/core/conf"
)

// The defaults of Config, where no preset says otherwise.
const (
	DefaultCacheTTL     = 30 * time.Second
	DefaultNegativeTTL  = 5 * time.Second
	DefaultStaleIfError = 60 * time.Second
	DefaultTimeout      = 5 * time.Second
	DefaultMaxBody      = 1 << 20
	DefaultMaxInFlight  = 64

	defaultActive   = "status >= 200 && status < 300"
	defaultInactive = "status == 401"
)

// merge returns c with what it leaves open taken from the preset, then from the
// defaults.
func (c Config) merge(p Config) Config {
	for _, f := range []struct{ to, from *string }{
		{&c.Method, &p.Method},
		{&c.ActiveWhen, &p.ActiveWhen},
		{&c.InactiveWhen, &p.InactiveWhen},
		{&c.Subject, &p.Subject},
		{&c.Aliases, &p.Aliases},
		{&c.SessionID, &p.SessionID},
		{&c.LoginTime, &p.LoginTime},
		{&c.Expires, &p.Expires},
		{&c.Device, &p.Device},
		{&c.Claims, &p.Claims},
	} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	if c.SharedTokens == nil {
		c.SharedTokens = p.SharedTokens
	}
	if len(c.Send) == 0 {
		c.Send = p.Send
	}
	if len(c.Send) == 0 {
		c.Send = []Param{bearerParam}
	}
	if len(c.ForwardHeaders) == 0 {
		for _, f := range p.ForwardHeaders {
			if !c.sends(f.Name) {
				c.ForwardHeaders = append(c.ForwardHeaders, f)
			}
		}
	}
	if c.Method = strings.ToUpper(c.Method); c.Method == "" {
		c.Method = "GET"
		for _, s := range c.Send {
			if s.In == inForm || s.In == inJSON {
				c.Method = "POST"
			}
		}
	}
	if c.ActiveWhen == "" {
		c.ActiveWhen = defaultActive
	}
	if c.InactiveWhen == "" {
		c.InactiveWhen = defaultInactive
	}
	if c.Sliding == nil {
		c.Sliding = p.Sliding
	}
	ttl := func(d **conf.Duration, def time.Duration) {
		v := conf.Duration(conf.DurationOr(*d, def))
		*d = &v
	}
	ttl(&c.CacheTTL, DefaultCacheTTL)
	ttl(&c.NegativeTTL, DefaultNegativeTTL)
	ttl(&c.StaleIfError, DefaultStaleIfError)
	ttl(&c.Sliding, 0)
	c.Timeout = conf.Duration(c.Timeout.Or(DefaultTimeout))
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.MaxInFlight == 0 {
		c.MaxInFlight = DefaultMaxInFlight
	}
	return c
}

// Effective is the configuration with its preset and the defaults written out.
func (c Config) Effective() Config {
	p, err := PresetFor(c)
	if err != nil {
		return c
	}
	return c.merge(p.Config)
}

// ShareTokens says whether every login of an account has the same token, as the
// configuration or its preset has it.
func (c *Config) ShareTokens() bool {
	shared := c.SharedTokens
	if p, err := PresetFor(*c); err == nil && shared == nil {
		shared = p.Config.SharedTokens
	}
	return shared != nil && *shared
}

// Slides says whether a login without requests is asked about once more, as the
// configuration or its preset has it.
func (c *Config) Slides() bool {
	sliding := c.Sliding
	if p, err := PresetFor(*c); err == nil && sliding == nil {
		sliding = p.Config.Sliding
	}
	return sliding != nil && *sliding > 0
}

// sends says that a header has a value of its own.
func (c *Config) sends(header string) bool {
	return slices.ContainsFunc(c.Send, func(p Param) bool { return p.In == inHeader && strings.EqualFold(p.Name, header) })
}
