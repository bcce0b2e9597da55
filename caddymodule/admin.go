package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"

	"github.com/wsgate/wsgate/core/gate"
)

func init() {
	caddy.RegisterModule(adminAPI{})
}

// adminAPI serves /wsgate/ on Caddy's admin endpoint, over the gates that are open.
type adminAPI struct{}

// CaddyModule returns the Caddy module information.
func (adminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.wsgate",
		New: func() caddy.Module { return new(adminAPI) },
	}
}

// Routes implements caddy.AdminRouter.
func (adminAPI) Routes() []caddy.AdminRoute {
	serve := func(w http.ResponseWriter, r *http.Request) error {
		gate.Admin(openGates).ServeHTTP(w, r)
		return nil
	}
	return []caddy.AdminRoute{{Pattern: gate.AdminPrefix, Handler: caddy.AdminHandlerFunc(serve)}}
}

// Interface guard
var _ caddy.AdminRouter = adminAPI{}
