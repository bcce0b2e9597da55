package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"

	"github.com/wsgate/wsgate/core/gate"
)

// eventPrefix is that of the names of the events in Caddy's events app.
const eventPrefix = "wsgate."

// emitter hands audit events to a configuration's events app.
func emitter(ctx caddy.Context) (func(gate.Event), error) {
	v, err := ctx.App("events")
	if err != nil {
		return nil, err
	}
	app := v.(*caddyevents.App)
	return func(e gate.Event) {
		if name := eventPrefix + string(e.Kind); ctx.Err() == nil && app.ShouldEmit(name) {
			app.Emit(ctx, name, eventData(&e))
		}
	}, nil
}

// eventData is what handlers find as {event.data.*}.
func eventData(e *gate.Event) map[string]any {
	return map[string]any{
		"id": e.ID.String(), "kind": string(e.Kind), "at": e.At, "gate": e.Gate,
		"account": e.Account, "sid": e.SID, "by": e.By, "reason": e.Reason,
		"ip": e.IP, "device": e.Device, "missed": e.Missed,
	}
}
