package caddymodule

import (
	"errors"
	"iter"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/wsgate/wsgate/core/gate"
)

// registerMetrics registers the gates' metrics with the configuration's registry,
// which is a new one with every load.
func registerMetrics(ctx caddy.Context) error {
	err := ctx.GetMetricsRegistry().Register(gate.Collector(openGates))
	if already := (prometheus.AlreadyRegisteredError{}); errors.As(err, &already) {
		return nil
	}
	return err
}

// openGates yields every open gate.
func openGates() iter.Seq[*gate.Gate] {
	return func(yield func(*gate.Gate) bool) {
		gates.Range(func(_, v any) bool {
			p, ok := v.(*pooled)
			return !ok || yield(p.gate)
		})
	}
}
