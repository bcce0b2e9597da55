package gate

import (
	"context"
	"errors"
	"fmt"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/token"
)

// compiles says what Open and NewSite would find wrong: addresses, patterns, origins and
// CEL.
func (c *Config) compiles() error {
	if err := c.Redis.Validate(); err != nil {
		return fmt.Errorf("gate: redis: %w", err)
	}
	if err := c.Introspect.Validate(); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	preset, err := introspect.PresetFor(c.Introspect)
	if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	if _, err := newOrigins(c.Origins); err != nil {
		return err
	}
	if _, err := newIdentityHeaders(c.Guard.Forward); err != nil {
		return fmt.Errorf("gate: forward: %w", err)
	}
	if _, err := newObservers(c.Login, preset); err != nil {
		return err
	}
	if _, err := newExempt(c); err != nil {
		return err
	}
	if _, err := newPages(c); err != nil {
		return err
	}
	if _, err := newDept(c); err != nil {
		return err
	}
	asks := channel.Options{Probe: noProbe}
	for i := range c.Sockets {
		if _, err := newEndpoint(asks, c, &c.Sockets[i], preset, c.Limits); err != nil {
			return fmt.Errorf("gate: socket %s: %w", c.Sockets[i].Path, err)
		}
	}
	for i := range c.SSE {
		if _, err := newStreamEndpoint(asks, c, &c.SSE[i], preset, c.Limits); err != nil {
			return fmt.Errorf("gate: sse %s: %w", c.SSE[i].Path, err)
		}
	}
	return nil
}

// noProbe stands in for a backend that is never asked.
func noProbe(context.Context, string, string, token.Token) (channel.Response, error) {
	return channel.Response{}, errors.New("gate: nobody is asked while a configuration is checked")
}

// newExempt is nil where no login is exempt.
func newExempt(c *Config) (*expr.Program, error) {
	if c.Login.Exempt == "" {
		return nil, nil //nolint:nilnil // nobody is
	}
	exempt, err := expr.Compile(expr.Request, c.Login.Exempt, expr.Bool)
	if err != nil {
		return nil, fmt.Errorf("gate: login exempt: %w", err)
	}
	return exempt, nil
}
