package caddymodule

import (
	"log/slog"
	"sync"

	"github.com/caddyserver/caddy/v2"

	"github.com/wsgate/wsgate/core/gate"
)

// gates holds every open gate by its name. A new configuration provisions
// before the old one is cleaned up, so a gate that both name is never closed in
// between, and its sockets stay.
var gates = caddy.NewUsagePool()

// pooled is one open gate and the configuration that it follows.
type pooled struct {
	gate *gate.Gate
	log  *switchHandler

	mu      sync.Mutex
	current *member // whose configuration the gate has now
}

// openPooled opens a gate whose log can follow later configurations: the logger
// of the one that opens it is closed together with that configuration.
func openPooled(m *member) (caddy.Destructor, error) {
	p := &pooled{log: newSwitchHandler(m.opts.Log.Handler()), current: m}
	opts := m.opts
	opts.Log = slog.New(p.log)
	var err error
	if p.gate, err = gate.Open(m.cfg, opts); err != nil {
		return nil, err
	}
	return p, nil
}

// Destruct drains and closes the gate.
func (p *pooled) Destruct() error {
	return p.gate.Close()
}

// follow applies a member's configuration. p.mu must be held.
func (p *pooled) follow(m *member) error {
	opts := m.opts
	opts.Log = slog.New(p.log)
	if err := p.gate.Reconfigure(m.cfg, opts); err != nil {
		return err
	}
	p.log.set(m.opts.Log.Handler())
	p.current = m
	return nil
}

// gateName is the name under which a configuration's gate is pooled.
func gateName(cfg gate.Config) string {
	if cfg.Name == "" {
		return "default"
	}
	return cfg.Name
}
