package caddymodule

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wsgate/wsgate/core/gate"
)

// serverOptions is what Caddy offers to the core.
func serverOptions(ctx caddy.Context, app *App) gate.Options {
	return gate.Options{
		Expand:       expand,
		Log:          ctx.Slogger(),
		ClientIP:     clientIP,
		OriginalPath: originalPath,
		SetUser:      setUser,
		OnEvent:      app.onEvent,
	}
}

// expand replaces the placeholders that are known when a configuration is
// loaded. An unknown or an empty one is an error: an empty password or secret
// would be a silent loss of protection.
func expand(s string) (string, error) {
	return caddy.NewReplacer().ReplaceOrErr(s, true, true)
}

// clientIP is the address that Caddy found, which honours trusted_proxies;
// nothing here reads X-Forwarded-For.
func clientIP(r *http.Request) string {
	ip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	return ip
}

// originalPath is the path before any rewrite or handle_path, so that where the
// handler stands does not change which path opens a socket.
func originalPath(r *http.Request) string {
	if orig, ok := r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request); ok && orig.URL != nil {
		return orig.URL.Path
	}
	return r.URL.Path
}

// setUser names the account in the access log, where Caddy's own authentication
// handlers name theirs.
func setUser(r *http.Request, account string) {
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Set("http.auth.user.id", account)
	}
}
