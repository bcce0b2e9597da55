package channel

import (
	"errors"
	"fmt"

	"github.com/wsgate/wsgate/core/expr"
)

// authorize is either of its two.
type authorize struct {
	when  *expr.Program
	probe *probe
}

func compileAuthorize(cfg *Authorize, p *pattern, allow string) (*authorize, error) {
	switch {
	case cfg.When != "" && cfg.Probe != nil:
		return nil, errors.New("channel: authorize is either `when` or `probe`, not both")
	case cfg.When != "":
		when, err := expr.Compile(expr.Authorize, cfg.When, expr.Bool)
		if err != nil {
			return nil, fmt.Errorf("channel: authorize when: %w", err)
		}
		return &authorize{when: when}, nil
	case cfg.Probe != nil:
		probe, err := compileProbe(cfg.Probe, p, allow)
		if err != nil {
			return nil, err
		}
		return &authorize{probe: probe}, nil
	}
	return nil, errors.New("channel: authorize needs `when <CEL>` or `probe <METHOD> <uri>`")
}

// probes says that the backend is asked. A nil authorize lets everybody in.
func (a *authorize) probes() bool { return a != nil && a.probe != nil }

func (a *authorize) usesClaims() bool {
	if a == nil {
		return false
	}
	if a.when != nil {
		return a.when.UsesClaims()
	}
	return a.probe.uri.usesClaims()
}

func (a *authorize) usesHeaders() bool {
	return a != nil && a.when != nil && a.when.UsesHeaders()
}

// byExpression costs a microsecond and may look at more than the login and the
// command, so its result is not kept.
func (a *authorize) byExpression(m *Match, u *User) error {
	if a.when.Bool(vars(m, u)) {
		return nil
	}
	return ErrForbidden
}

func vars(m *Match, u *User) expr.Vars {
	params := make(map[string]string, len(m.rule.pattern.names))
	for i, name := range m.rule.pattern.names {
		params[name] = m.part(i)
	}
	return expr.Vars{User: u.Subject, Claims: u.Claims, Device: u.Device, Request: u.Request, Params: params}
}
