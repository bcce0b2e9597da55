package session

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/wsgate/wsgate/core/conf"
)

// The policies and choices of Config.
const (
	PolicyNewest = "newest"
	PolicyOldest = "oldest"
	PolicyOff    = "off"
	PerAccount   = "account"
	PerDevice    = "device"
	FailOpen     = "open"
	FailClosed   = "closed"
)

// DefaultRemember is the default of Config.Remember.
const DefaultRemember = 30 * 24 * time.Hour

// MaxLimit bounds Config.Limit.
const MaxLimit = 1000

// On says whether logins are policed at all.
func (c *Config) On() bool { return c.Policy != PolicyOff }

// Effective is the configuration with its defaults written out.
func (c Config) Effective() Config {
	if !c.On() {
		return c
	}
	c.Policy = cmp.Or(c.Policy, PolicyNewest)
	c.Limit = cmp.Or(c.Limit, 1)
	c.Per = cmp.Or(c.Per, PerAccount)
	c.Fail = cmp.Or(c.Fail, FailOpen)
	c.Remember = cmp.Or(c.Remember, conf.Duration(DefaultRemember))
	return c
}

// Validate checks the configuration, but for the CEL in it.
func (c *Config) Validate() error {
	switch c.Policy {
	case "", PolicyNewest, PolicyOldest, PolicyOff:
	default:
		return fmt.Errorf("session: unknown login policy %q: want newest, oldest or off", c.Policy)
	}
	switch c.Per {
	case "", PerAccount, PerDevice:
	default:
		return fmt.Errorf("session: login per %q: want account or device", c.Per)
	}
	if c.Limit < 0 || c.Limit > MaxLimit {
		return fmt.Errorf("session: login limit %d: want 1 to %d", c.Limit, MaxLimit)
	}
	if c.Grace < 0 {
		return fmt.Errorf("session: login grace %s: want a time such as 30s", time.Duration(c.Grace))
	}
	if c.Grace > 0 && c.Policy == PolicyOldest {
		return fmt.Errorf("session: login oldest takes no grace: it displaces nobody who did not agree")
	}
	switch c.Fail {
	case "", FailOpen, FailClosed:
	default:
		return fmt.Errorf("session: login fail %q: want open or closed", c.Fail)
	}
	if c.Remember != 0 && time.Duration(c.Remember) < time.Minute {
		return fmt.Errorf("session: login remember %s is too short: want at least 1m, such as 30d", time.Duration(c.Remember))
	}
	if !c.On() && (len(c.Observe) > 0 || len(c.Refresh) > 0 || len(c.Logout) > 0 || c.Remember != 0 || c.Fail != "" || c.Limit != 0 || c.Per != "" || c.Exempt != "" || c.Grace != 0) {
		return fmt.Errorf("session: login off takes no other option: remove them, or write login newest")
	}
	return c.validateRoutes()
}

func (c *Config) validateRoutes() error {
	seen := map[Route]string{}
	add := func(what string, r Route) error {
		if err := r.Validate("login " + what); err != nil {
			return err
		}
		if other, twice := seen[r]; twice {
			if other == what {
				return fmt.Errorf("session: login %s %s %s stands twice: write it once", what, r.Method, r.Path)
			}
			return fmt.Errorf("session: %s %s is given as both %s and %s: a request is one of them", r.Method, r.Path, other, what)
		}
		seen[r] = what
		return nil
	}
	for _, o := range c.Observe {
		if err := add("observe", o.Route); err != nil {
			return err
		}
		if o.Token == "" {
			return fmt.Errorf("session: login observe %s %s: want CEL that yields the token, such as body.token", o.Method, o.Path)
		}
	}
	for _, f := range c.Refresh {
		if err := add("refresh", f.Route); err != nil {
			return err
		}
		if f.New == "" {
			return fmt.Errorf("session: login refresh %s %s: want CEL that yields the new token, such as body.token", f.Method, f.Path)
		}
	}
	for _, r := range c.Logout {
		if err := add("logout", r); err != nil {
			return err
		}
	}
	return nil
}

// Validate checks the route of an option, what. Its errors say what to write instead.
func (r Route) Validate(what string) error {
	if r.Method == "" || r.Method != strings.ToUpper(r.Method) || strings.ContainsAny(r.Method, " \t") {
		return fmt.Errorf("session: %s: %q is no method: want one in upper case, such as POST, or *", what, r.Method)
	}
	if !strings.HasPrefix(r.Path, "/") || strings.ContainsAny(r.Path, "?#") {
		return fmt.Errorf("session: %s %s: %q is no path: want one such as /login, without a query", what, r.Method, r.Path)
	}
	if strings.Contains(r.Path, "*") {
		return fmt.Errorf("session: %s %s: %q: a path is exact and takes no *: write a line for each", what, r.Method, r.Path)
	}
	return nil
}
