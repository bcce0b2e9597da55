// Package caddymodule is Caddy's side of wsgate: the handler module
// http.handlers.wsgate, its Caddyfile, and what lets sockets outlive a reload.
// It decides nothing about tokens, logins or channels; package gate does.
//
// Handlers are provisioned by Caddy one after another and serve requests
// concurrently. Whatever several of them share is in gates and App, each with
// its own lock.
package caddymodule

import (
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wsgate/wsgate/core/gate"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler gives a web backend live updates over WebSocket and a single login
// per account, without a change in the backend.
//
// It asks the backend's own introspection endpoint whose a request's token is,
// keeps one live login per account in Redis, relays what the backend publishes
// in Redis to the sockets that asked for it, and refuses HTTP requests of a
// login that a newer one displaced.
//
// Placeholders such as `{env.NAME}` and `{file.PATH}` are replaced in the Redis
// settings, the secret, and the introspection URI and credentials, when the
// configuration is loaded. The replaced values are kept out of the
// configuration itself, so that no dump of it shows them.
type Handler struct {
	gate.Config

	// poolKey is set only once the gate is held; Cleanup runs also after a
	// failed Provision and must not give back somebody else's reference.
	poolKey string
	site    *gate.Site
}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.wsgate",
		New: func() caddy.Module { return new(Handler) },
	}
}

// Provision joins the gate of the handler's name, or opens it, and compiles the
// handler's own part. It does no I/O, for `caddy validate` provisions too.
func (h *Handler) Provision(ctx caddy.Context) error {
	if err := h.Config.Validate(); err != nil {
		return err
	}
	app, err := loadApp(ctx)
	if err != nil {
		return err
	}
	opts := serverOptions(ctx, app)
	if opts.Transport, err = loadTransport(ctx, &h.Introspect); err != nil {
		return err
	}
	m, err := app.join(h.Config, opts)
	if err != nil {
		return err
	}
	h.poolKey = h.GateName()

	if h.site, err = gate.NewSite(m.pool.gate, h.Config, m.pool.options(opts)); err != nil {
		return err
	}
	m.sites = append(m.sites, h.site)
	h.endStreams(ctx)
	app.warnLogs(ctx, h.Config, opts.Log)
	return nil
}

// Cleanup gives the gate back; the last handler to do so closes it.
func (h *Handler) Cleanup() error {
	if h.poolKey == "" {
		return nil
	}
	key := h.poolKey
	h.poolKey = ""
	if _, err := gates.Delete(key); err != nil {
		return fmt.Errorf("closing the gate %q: %w", key, err)
	}
	return nil
}

// ServeHTTP implements caddyhttp.MiddlewareHandler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.site.ServeHTTP(w, r, next.ServeHTTP)
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.Validator             = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
