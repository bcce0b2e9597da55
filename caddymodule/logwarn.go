package caddymodule

import (
	"log/slog"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wsgate/wsgate/core/gate"
	"github.com/wsgate/wsgate/core/token"
)

// exposure is where a log shows a token, unless a filter hides it.
type exposure struct {
	field, param string
	// where and filter are for the warning: what shows it, and what would not.
	where, filter string
}

// exposures are those of the sources that Caddy's logs don't hide by themselves.
func exposures(sources []token.Source) []exposure {
	const uri = "request>uri"
	var all []exposure
	for _, s := range sources {
		switch {
		case s.Kind == token.Query:
			all = append(all, exposure{uri, s.Name, s.Name, uri + " query { replace " + s.Name + " REDACTED }"})
		case s.Kind == token.Path:
			expr, with := token.PathRegexp(s.Pattern)
			all = append(all, exposure{uri, s.Pattern, s.Pattern, uri + " regexp " + expr + " " + with})
		case s.Bare:
			for _, dir := range []string{"request>headers>", "resp_headers>"} {
				f := dir + "Sec-Websocket-Protocol"
				all = append(all, exposure{f, "", f, f + " replace REDACTED"})
			}
		}
	}
	return all
}

// warnLogs warns of each token that a log would show. Caddy copies the request for its
// access and error logs before any handler runs, so only the log's own filter can hide
// it.
func (a *App) warnLogs(ctx caddy.Context, cfg gate.Config, log *slog.Logger) {
	shown := exposures(cfg.TokenSources())
	if len(shown) == 0 {
		return
	}
	views, ok := logViews(ctx)
	if !ok {
		var where []string
		for _, e := range shown {
			where = append(where, e.where)
		}
		a.warnOnce(log, "this caddy does not show its log filters: make sure that they hide the tokens", "parameters", where)
		return
	}
	for i := range views {
		v := &views[i]
		if !slices.ContainsFunc(requestLoggers(ctx), v.takes) {
			continue
		}
		for _, e := range shown {
			if !v.hides(e.field, e.param) {
				a.warnOnce(log, "a log shows tokens: its filter does not hide them; see Caddyfile.example",
					"log", v.name, "parameter", e.where, "filter", e.filter)
			}
		}
	}
}

// requestLoggers names the loggers of the handler's server whose entries have
// the request in them.
func requestLoggers(ctx caddy.Context) []string {
	const access, failed = "http.log.access", "http.log.error"
	srv, _ := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if srv == nil || srv.Logs == nil {
		return []string{failed}
	}
	all := []string{access, failed}
	names := []string{srv.Logs.DefaultLoggerName}
	for _, n := range srv.Logs.LoggerNames {
		names = append(names, n...)
	}
	for _, n := range names {
		if n != "" {
			all = append(all, access+"."+n, failed+"."+n)
		}
	}
	return all
}

// warnOnce warns once a configuration, however many handlers say the same.
func (a *App) warnOnce(log *slog.Logger, msg string, args ...any) {
	var r slog.Record
	r.Add(args...)
	key := msg
	r.Attrs(func(at slog.Attr) bool {
		key += "\x00" + at.Value.String()
		return true
	})
	if _, ok := a.warned[key]; ok {
		return
	}
	if a.warned == nil {
		a.warned = make(map[string]struct{})
	}
	a.warned[key] = struct{}{}
	log.Warn(msg, args...)
}
