package caddymodule

import (
	"log/slog"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/exp/zapslog"

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

// openPooled opens a gate for its first member.
func openPooled(m *member) (caddy.Destructor, error) {
	p := &pooled{log: newSwitchHandler(m.opts.Log.Handler()), current: m}
	var err error
	if p.gate, err = gate.Open(m.cfg, p.options(m.opts)); err != nil {
		return nil, err
	}
	return p, nil
}

// options are a configuration's options, but with a log that follows later
// configurations: gates and sockets outlive the one that brought them, and its
// log outputs are closed with it.
func (p *pooled) options(o gate.Options) gate.Options {
	o.Log = slog.New(p.log)
	return o
}

// follow applies a member's configuration. p.mu must be held.
func (p *pooled) follow(m *member) error {
	if err := p.gate.Reconfigure(m.cfg, p.options(m.opts)); err != nil {
		return err
	}
	p.log.set(m.opts.Log.Handler())
	p.current = m
	m.activate()
	return nil
}

// Destruct drains and closes the gate: behind the back of a reload that has no
// handler of its name any more, for that must not wait for clients; but before
// the process ends.
func (p *pooled) Destruct() error {
	if caddy.Exiting() || !p.gate.HasSockets() {
		return p.gate.Close()
	}
	// The configuration's own log outputs are about to be closed.
	p.log.set(zapslog.NewHandler(caddy.Log().Core()))
	go func() {
		if err := p.gate.Close(); err != nil {
			slog.New(p.log).Error("gate could not be closed", "error", err)
		}
	}()
	return nil
}
