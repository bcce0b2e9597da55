package caddymodule

import (
	"log/slog"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wsgate/wsgate/core/gate"
	"github.com/wsgate/wsgate/core/token"
)

// warnLogs warns of each query token that a log would show. Caddy copies the
// request for its access and error logs before any handler runs, so only the
// log's own filter can hide it.
func (a *App) warnLogs(ctx caddy.Context, cfg gate.Config, log *slog.Logger) {
	var params []string
	for _, s := range cfg.TokenSources() {
		if s.Kind == token.Query {
			params = append(params, s.Name)
		}
	}
	if len(params) == 0 {
		return
	}
	views, ok := logViews(ctx)
	if !ok {
		a.warnOnce(log, "this caddy does not show its log filters: make sure that they hide the query tokens", "parameters", params)
		return
	}
	for i := range views {
		v := &views[i]
		if !slices.ContainsFunc(requestLoggers(ctx), v.takes) {
			continue
		}
		for _, p := range params {
			if !v.hides("request>uri", p) {
				a.warnOnce(log, "a log shows tokens: its filter does not name their query parameter; see Caddyfile.example",
					"log", v.name, "parameter", p, "filter", "request>uri query { replace "+p+" REDACTED }")
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
