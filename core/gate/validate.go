package gate

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

// The defaults of Config.
const (
	DefaultName      = "default"
	DefaultKeyPrefix = "wsgate:"
	DefaultEndpoints = "/.wsgate"
)

// The protocols of sockets.
const (
	// ProtocolPlain is that of ordinary pages.
	ProtocolPlain = "plain"
	// ProtocolCentrifuge is that of Centrifugo's clients.
	ProtocolCentrifuge = "centrifuge"
)

// GateName is Name, or its default.
func (c *Config) GateName() string {
	if c.Name == "" {
		return DefaultName
	}
	return c.Name
}

func (c *Config) keyPrefix() string {
	if c.KeyPrefix == "" {
		return DefaultKeyPrefix
	}
	return c.KeyPrefix
}

func (c *Config) endpointsPrefix() string {
	p := c.Endpoints
	if p == "" {
		p = DefaultEndpoints
	}
	return strings.TrimSuffix(p, "/")
}

// TokenSources are the places where tokens are looked for: the configured ones,
// else the preset's, else the usual ones. An unknown preset has none of its own.
func (c *Config) TokenSources() []token.Source {
	if len(c.Tokens) > 0 {
		return c.Tokens
	}
	if p, err := introspect.PresetFor(c.Introspect); err == nil && len(p.Tokens) > 0 {
		return p.Tokens
	}
	return token.DefaultSources()
}

// Validate checks all that can be said without I/O. Its errors say what to
// write instead.
func (c Config) Validate() error {
	if c.Introspect.URI == "" {
		return fmt.Errorf("gate: introspect is missing: name the endpoint that says whose a token is, such as `introspect http://127.0.0.1:8080/getInfo`")
	}
	if err := c.Login.Validate(); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	if d := c.Introspect.Sliding; d != nil && *d > 0 && !c.Login.On() {
		return fmt.Errorf("gate: introspect sliding needs to know when a login was last seen, and login off keeps no logins: leave sliding out, or write another login")
	}
	if err := c.validateShared(); err != nil {
		return err
	}
	if strings.ContainsAny(c.KeyPrefix, "{}") {
		return fmt.Errorf("gate: key_prefix %q has a brace, which Redis Cluster reads as a hash tag: leave it out", c.KeyPrefix)
	}
	if err := c.validateTokens(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := range c.Sockets {
		sc := &c.Sockets[i]
		switch {
		case seen[sc.Path]:
			return fmt.Errorf("gate: socket %s is defined twice: merge the two blocks", sc.Path)
		case sc.Protocol != "" && sc.Protocol != ProtocolPlain && sc.Protocol != ProtocolCentrifuge:
			return fmt.Errorf("gate: socket %s: protocol %q is unknown: want plain or centrifuge", sc.Path, sc.Protocol)
		case sc.Protocol == ProtocolCentrifuge && (sc.Heartbeat != nil || sc.Errors != nil):
			return fmt.Errorf("gate: socket %s: heartbeat and errors are of protocol plain: centrifuge has its own, so leave them out", sc.Path)
		case strings.HasPrefix(sc.Path, c.endpointsPrefix()+"/"):
			return fmt.Errorf("gate: socket %s lies under the endpoints prefix %s: move one of them", sc.Path, c.endpointsPrefix())
		}
		if err := sc.Validate("socket"); err != nil {
			return err
		}
		seen[sc.Path] = true
	}
	if err := c.validateStreams(); err != nil {
		return err
	}
	if err := c.validatePages(); err != nil {
		return err
	}
	rejects := slices.DeleteFunc([]*Reject{c.Guard.Reject, c.Guard.RejectDisplaced, c.Guard.RejectKicked}, func(r *Reject) bool { return r == nil })
	if c.Guard.Off && (len(rejects) > 0 || len(c.Guard.Forward) > 0 || len(c.Guard.Pass) > 0) {
		return fmt.Errorf("gate: guard off takes no pass, reject or forward: there is nothing left to guard")
	}
	for _, rj := range rejects {
		if err := rj.Validate(); err != nil {
			return err
		}
	}
	if p := c.endpointsPrefix(); !strings.HasPrefix(p, "/") || p == "" || strings.ContainsAny(p, "?#*{} ") {
		return fmt.Errorf("gate: endpoints %q: want a path prefix such as %s", c.Endpoints, DefaultEndpoints)
	}
	if err := c.Guard.validatePass(); err != nil {
		return err
	}
	if err := c.validateOff(); err != nil {
		return err
	}
	if err := c.Limits.validate(); err != nil {
		return err
	}
	return c.compiles()
}

func (c *Config) validateTokens() error {
	sources := c.TokenSources()
	if _, err := token.NewFinder(sources); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	has := func(kinds ...token.Kind) bool {
		return slices.ContainsFunc(sources, func(s token.Source) bool { return slices.Contains(kinds, s.Kind) })
	}
	if has(token.Ticket) && !has(token.Header, token.Cookie, token.Query) {
		return fmt.Errorf("gate: token ticket: a page asks for a ticket with its token in a header, cookie or query: add such a source, for instance `token header Authorization Bearer`")
	}
	if has(token.FirstMessage) && !slices.ContainsFunc(c.Sockets, func(s Socket) bool { return cmp.Or(s.Protocol, ProtocolPlain) == ProtocolPlain }) {
		return fmt.Errorf("gate: token first_message: no socket of protocol plain takes it: add one, or leave it out")
	}
	if has(token.Ticket) && len(c.Sockets)+len(c.SSE) == 0 {
		return fmt.Errorf("gate: token ticket: there is no socket or sse to open with one: add such a path, or leave it out")
	}
	takers := map[string]string{} // of paths
	for _, e := range c.Sockets {
		takers[e.Path] = "socket"
	}
	for _, e := range c.SSE {
		takers[e.Path] = "sse"
	}
	for _, t := range sources {
		if t.Kind == token.Path && takers[t.Pattern] == "" {
			return fmt.Errorf("gate: token path %s: no socket has that path: write `socket %s { … }`, the same to the letter", t.Pattern, t.Pattern)
		}
	}
	for path, what := range takers {
		if hasPart(path) && !slices.ContainsFunc(sources, func(t token.Source) bool { return t.Kind == token.Path && t.Pattern == path }) {
			return fmt.Errorf("gate: %s %s: a path has a part only for a token: add `token path %s`, or take the braces out", what, path, path)
		}
	}
	return nil
}

// slides says whether logins end for want of requests.
func (c *Config) slides() bool { return c.Login.On() && c.Introspect.Slides() }

// validateShared says that logins with one token can't be told apart unless they are
// seen to begin.
func (c *Config) validateShared() error {
	if !c.Login.On() || !c.Introspect.ShareTokens() {
		return nil
	}
	preset, err := introspect.PresetFor(c.Introspect)
	if err != nil || len(c.Login.Observe)+len(preset.Observe) > 0 {
		return nil //nolint:nilerr // introspect says so itself
	}
	return fmt.Errorf("gate: the backend gives every login of an account the same token, so single login has to see logins begin: name them, such as `login { observe POST /auth/token/login/ body.auth_token }`, or write `login off`; where each login has a token of its own, write `shared_tokens off` in introspect")
}

func (l Limits) withDefaults() Limits {
	set := func(p *int, def int) {
		if *p == 0 {
			*p = def
		}
	}
	set(&l.ChannelsPerConnection, 128)
	set(&l.CommandsPerSecond, 50)
	set(&l.Queue, 1<<20)
	if l.MessageSize == 0 {
		l.MessageSize = 64 << 10
	}
	return l
}

func (l Limits) validate() error {
	for _, v := range []struct {
		name string
		n    int64
	}{
		{"connections", int64(l.Connections)},
		{"connections_per_login", int64(l.ConnectionsPerLogin)},
		{"connections_per_ip", int64(l.ConnectionsPerIP)},
		{"channels_per_connection", int64(l.ChannelsPerConnection)},
		{"message_size", l.MessageSize},
		{"commands_per_second", int64(l.CommandsPerSecond)},
		{"queue", int64(l.Queue)},
		{"unknown_tokens_per_ip", int64(min(l.UnknownTokens.PerMinute, l.UnknownTokens.AtOnce))},
	} {
		if v.n < 0 {
			return fmt.Errorf("gate: limits: %s must be positive", v.name)
		}
	}
	return nil
}

// Conflict says why two handlers of one configuration can't share a gate, or
// returns nil: sockets, logins and caches are shared by name, so what they
// depend on must be equal.
func (c Config) Conflict(o Config) error {
	if c.GateName() != o.GateName() {
		return nil
	}
	for _, part := range []struct {
		name string
		a, b any
	}{
		{"redis", c.Redis.Effective(), o.Redis.Effective()},
		{"introspect", c.Introspect.Effective(), o.Introspect.Effective()},
		{"login", c.Login.Effective(), o.Login.Effective()},
		{"key_prefix", c.keyPrefix(), o.keyPrefix()},
		{"secret", c.Secret, o.Secret},
		{"drain", c.drain(), o.drain()},
	} {
		if !reflect.DeepEqual(part.a, part.b) {
			return fmt.Errorf("gate: two handlers named %q differ in %s: give each gate a `name` of its own, or make them equal", c.GateName(), part.name)
		}
	}
	for _, kind := range []struct {
		name string
		a, b []Socket
	}{{"socket", c.Sockets, o.Sockets}, {"sse", c.SSE, o.SSE}} {
		for _, a := range kind.a {
			for _, b := range kind.b {
				if a.Path == b.Path && !reflect.DeepEqual(a, b) {
					return fmt.Errorf("gate: two handlers named %q differ in %s %s: give each gate a `name` of its own, or make them equal", c.GateName(), kind.name, a.Path)
				}
			}
		}
	}
	return nil
}

func routeOf(p introspect.Route) session.Route {
	return session.Route{Method: p.Method, Path: p.Path}
}

func rejectOf(p introspect.Preset) *Reject {
	if p.Reject == nil {
		return nil
	}
	r := &Reject{Status: p.Reject.Status, ContentType: p.Reject.ContentType, Body: p.Reject.Body}
	for _, h := range p.Reject.Headers {
		r.Headers = append(r.Headers, HeaderValue{Name: h.Name, Value: h.Value})
	}
	return r
}
