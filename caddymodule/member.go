package caddymodule

import (
	"github.com/wsgate/wsgate/core/gate"
)

// member is one configuration's part in a gate: that of all its handlers which
// name the gate.
type member struct {
	cfg      gate.Config // of the first handler; what is shared is equal in all
	opts     gate.Options
	handlers []gate.Config
	sites    []*gate.Site
	pool     *pooled

	// joined says that the gate was there already, and still has the settings
	// of the configuration that runs.
	joined bool

	// Under pool.mu.

	// before is the member that this one took over from, until that one has
	// stopped: should this configuration fail to start, the gate returns to it.
	before  *member
	stopped bool
}

// conflict says why a further handler can't share the gate, if it can't.
func (m *member) conflict(cfg gate.Config) error {
	for _, other := range m.handlers {
		if err := other.Conflict(cfg); err != nil {
			return err
		}
	}
	return nil
}

// takeOver gives the gate this configuration.
func (m *member) takeOver() error {
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	if !m.joined {
		m.activate()
		return nil
	}
	before := m.pool.current
	if err := m.pool.follow(m); err != nil {
		return err
	}
	if !before.stopped {
		m.before = before
	}
	return nil
}

// letGo gives the gate back to the configuration before, if that still runs.
// Calling it again does nothing.
func (m *member) letGo() error {
	m.pool.mu.Lock()
	defer m.pool.mu.Unlock()
	m.stopped = true
	if m.pool.current.before == m {
		// A reload went well. Without this each configuration would keep the
		// one before it for ever.
		m.pool.current.before = nil
	}
	if m.pool.current != m || m.before == nil {
		return nil
	}
	return m.pool.follow(m.before)
}

// activate makes the open sockets follow the sites of this configuration.
func (m *member) activate() {
	for _, s := range m.sites {
		s.Activate()
	}
}
