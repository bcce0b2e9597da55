package caddymodule

import (
	"errors"
	"fmt"

	"github.com/caddyserver/caddy/v2"

	"github.com/wsgate/wsgate/core/gate"
)

func init() {
	caddy.RegisterModule(App{})
}

// App is what the wsgate handlers of one configuration have in common. It has
// no settings and need not be configured: the first handler brings it.
//
// Caddy calls its methods one at a time.
type App struct {
	members map[string]*member
	warned  map[string]struct{}
}

// member is one configuration's part in a gate.
type member struct {
	cfg  gate.Config
	opts gate.Options
	pool *pooled

	// joined says that the gate was there already, with the settings of the
	// configuration that still runs.
	joined bool
	// before is the member that this one took over from, until that one has
	// stopped: should this configuration fail to start, the gate returns to it.
	before  *member
	stopped bool
}

// CaddyModule returns the Caddy module information.
func (App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "wsgate",
		New: func() caddy.Module { return new(App) },
	}
}

func loadApp(ctx caddy.Context) (*App, error) {
	v, err := ctx.App("wsgate")
	if err != nil {
		return nil, err
	}
	return v.(*App), nil
}

// join returns the gate of the configuration's name with one more reference in
// the pool, which the caller gives back.
func (a *App) join(cfg gate.Config, opts gate.Options) (*pooled, error) {
	name := gateName(cfg)
	m, seen := a.members[name]
	switch {
	case !seen:
		m = &member{cfg: cfg, opts: opts}
	case !m.cfg.SharedEqual(cfg):
		return nil, errShared(name)
	}
	v, loaded, err := gates.LoadOrNew(name, func() (caddy.Destructor, error) { return openPooled(m) })
	if err != nil {
		return nil, err
	}
	p := v.(*pooled)
	if !seen {
		m.pool, m.joined = p, loaded
		if a.members == nil {
			a.members = make(map[string]*member)
		}
		a.members[name] = m
	}
	return p, nil
}

// errShared tells of two handlers that can't share a gate.
func errShared(name string) error {
	return fmt.Errorf("two wsgate handlers share the gate %q but differ in redis, key_prefix, secret, introspect or login: make these equal, or give each gate a name of its own with `name <name>`", name)
}

// Start applies the configuration to the gates that were open before. Only
// here, for while handlers are provisioned the load may still fail, and then
// nothing may have changed.
func (a *App) Start() error {
	for name, m := range a.members {
		if !m.joined {
			continue
		}
		if err := m.takeOver(); err != nil {
			err = fmt.Errorf("gate %q: %w", name, err)
			// Caddy does not stop an app whose Start failed.
			return errors.Join(err, a.Stop())
		}
	}
	return nil
}

// Stop lets go of the gates' settings. Where the configuration that ran before
// still runs, this one has failed to start, and the gates return to that.
func (a *App) Stop() error {
	var errs []error
	for _, m := range a.members {
		errs = append(errs, m.letGo())
	}
	return errors.Join(errs...)
}

// Cleanup is Stop for a configuration that failed after its start.
func (a *App) Cleanup() error { return a.Stop() }

func (m *member) takeOver() error {
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	before := m.pool.current
	if err := m.pool.follow(m); err != nil {
		return err
	}
	if !before.stopped {
		m.before = before
	}
	return nil
}

func (m *member) letGo() error {
	if m.pool == nil {
		return nil
	}
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	m.stopped = true
	if next := m.pool.current; next.before == m {
		// A reload went well. Without this each configuration would keep the
		// one before it for ever.
		next.before = nil
	}
	if m.pool.current != m || m.before == nil {
		return nil
	}
	return m.pool.follow(m.before)
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
