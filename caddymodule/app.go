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
	warned  map[string]struct{} // what was warned of already
	onEvent func(gate.Event)
}

// CaddyModule returns the Caddy module information.
func (App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "wsgate",
		New: func() caddy.Module { return new(App) },
	}
}

// Provision registers the gates' metrics and finds the events app.
func (a *App) Provision(ctx caddy.Context) error {
	if err := registerMetrics(ctx); err != nil {
		return err
	}
	var err error
	a.onEvent, err = emitter(ctx)
	return err
}

func loadApp(ctx caddy.Context) (*App, error) {
	v, err := ctx.App("wsgate")
	if err != nil {
		return nil, err
	}
	return v.(*App), nil
}

// join returns this configuration's part in the gate of cfg's name, with one
// more reference in the pool, which the caller gives back.
func (a *App) join(cfg gate.Config, opts gate.Options) (*member, error) {
	name := cfg.GateName()
	m, seen := a.members[name]
	if seen {
		if err := m.conflict(cfg); err != nil {
			return nil, err
		}
	} else {
		m = &member{cfg: cfg, opts: opts}
	}
	v, loaded, err := gates.LoadOrNew(name, func() (caddy.Destructor, error) { return openPooled(m) })
	if err != nil {
		return nil, err
	}
	if !seen {
		m.pool, m.joined = v.(*pooled), loaded
		if a.members == nil {
			a.members = make(map[string]*member)
		}
		a.members[name] = m
	}
	m.handlers = append(m.handlers, cfg)
	return m, nil
}

// Start applies the configuration to the gates. Only here, for while handlers
// are provisioned the load may still fail, and then nothing may have changed.
func (a *App) Start() error {
	for name, m := range a.members {
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

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
