package caddymodule

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wsgate/wsgate/core/gate"
)

func init() {
	httpcaddyfile.RegisterHandlerDirective("wsgate", parseCaddyfile)
	// Before handle blocks, so that no block goes round the guard, and before
	// encode, which must not wrap a socket; after the site's own
	// authentication, which then covers sockets too.
	httpcaddyfile.RegisterDirectiveOrder("wsgate", httpcaddyfile.Before, "request_header")
}

// parseCaddyfile parses one wsgate directive and compares it with the others of
// the same Caddyfile that name the same gate.
func parseCaddyfile(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	handler := new(Handler)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}

	// Named routes have a State of their own; App compares them at load.
	const stateKey = "wsgate.handlers"
	others, _ := h.State[stateKey].([]gate.Config)
	for _, other := range others {
		if err := other.Conflict(handler.Config); err != nil {
			h.Reset()
			h.Next() // back to the line of the directive
			return nil, h.WrapErr(err)
		}
	}
	h.State[stateKey] = append(others, handler.Config)
	return handler, nil
}

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	wsgate [<matcher>] {
//		name       <name>
//		redis      <url> { … }
//		key_prefix <prefix>
//		secret     <secret>
//		introspect <uri> { … }
//		token      <source> …
//		login      newest|oldest|off { … }
//		socket     <path> { … }
//		sse        <path> { … }
//		guard      on|off { … }
//		sessions   <path> { … }
//		admin_sessions <path> { … }
//		origins    <origin>...
//		limits     { … }
//		endpoints  <prefix>
//		drain      <duration>
//	}
//
// docs/reference.md has every subdirective with its default.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	line := *d
	if d.NextArg() {
		return d.ArgErr()
	}
	if err := parseBlock(d, topLevel, &h.Config); err != nil {
		return err
	}
	if err := h.Config.Validate(); err != nil {
		return line.WrapErr(err)
	}
	return nil
}

// topLevel is what a wsgate block may have.
var topLevel = block[gate.Config]{
	name: "wsgate",
	subs: []sub[gate.Config]{
		{name: "name", syntax: "<name>", parse: func(d *caddyfile.Dispenser, c *gate.Config) error {
			return word(d, &c.Name)
		}},
		{name: "redis", syntax: "[<url>]", nests: redisBlock, parse: parseRedis},
		{name: "key_prefix", syntax: "<prefix>", parse: func(d *caddyfile.Dispenser, c *gate.Config) error {
			return word(d, &c.KeyPrefix)
		}},
		{name: "secret", syntax: "<secret>", parse: func(d *caddyfile.Dispenser, c *gate.Config) error {
			return word(d, &c.Secret)
		}},
		{name: "introspect", syntax: "<uri>", nests: introspectBlock, parse: parseIntrospect},
		{name: "token", syntax: "query|header <name> [<scheme>]\ncookie <name>\nsubprotocol [bare]\npath <pattern>\nfirst_message\nticket", many: true, parse: parseToken},
		{name: "login", syntax: "[newest|oldest|off]", nests: loginBlock, parse: parseLogin},
		{name: "socket", syntax: "<path>", many: true, nests: socketBlock, parse: parseSocket},
		{name: "sse", syntax: "<path>", many: true, nests: sseBlock, parse: parseSSE},
		{name: "guard", syntax: "[on|off]", nests: guardBlock, parse: parseGuard},
		{name: "sessions", syntax: "<path>", nests: sessionsBlock, parse: parseSessions},
		{name: "admin_sessions", syntax: "<path>", nests: adminSessionsBlock, parse: parseAdminSessions},
		{name: "origins", syntax: "<origin>...", parse: parseOrigins},
		{name: "limits", nests: limitsBlock, parse: parseLimits},
		{name: "endpoints", syntax: "<prefix>", parse: func(d *caddyfile.Dispenser, c *gate.Config) error {
			return word(d, &c.Endpoints)
		}},
		{name: "drain", syntax: "<duration>", parse: func(d *caddyfile.Dispenser, c *gate.Config) error {
			return durationPtr(d, &c.Drain)
		}},
	},
}

// parseOrigins parses the allowed origins. Syntax:
//
//	origins <origin>...
func parseOrigins(d *caddyfile.Dispenser, c *gate.Config) error {
	c.Origins = d.RemainingArgs()
	if len(c.Origins) == 0 {
		return errForm
	}
	// A site of nothing but origins needs no gate, and checks them.
	if _, err := gate.NewSite(nil, gate.Config{Origins: c.Origins}, gate.Options{}); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

// Interface guards
var _ caddyfile.Unmarshaler = (*Handler)(nil)
