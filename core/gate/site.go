package gate

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

// Next is the rest of the server's handler chain.
type Next = func(http.ResponseWriter, *http.Request) error

// Site is one handler: its sockets, guard, tokens, origins and limits. It is
// safe for concurrent use, and immutable but for the endpoints that it shares
// with the gate.
type Site struct {
	gate     *Gate
	sockets  map[string]*endpoint
	streams  map[string]*endpoint
	finder   *token.Finder
	guardOff bool
	pass     passRoutes
	reject   rejections
	identity identityHeaders
	pages    []*page
	// dept yields the department of an account; nil: nobody asks.
	dept    *expr.Program
	origins origins
	limits  Limits
	unknown *unknownTokens
	prefix  string
	opts    Options
	// claims says that some expression of the site looks at an identity's claims.
	claims bool
}

// NewSite compiles one handler's configuration onto a gate. Sockets that are
// already open follow it only after Activate.
func NewSite(g *Gate, cfg Config, o Options) (*Site, error) {
	o = o.withDefaults()
	preset, err := introspect.PresetFor(cfg.Introspect)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	s := &Site{
		gate:     g,
		sockets:  make(map[string]*endpoint, len(cfg.Sockets)),
		streams:  make(map[string]*endpoint, len(cfg.SSE)),
		guardOff: cfg.Guard.Off,
		pass:     passRoutes{exact: routes{}},
		limits:   cfg.Limits.withDefaults(),
		unknown:  newUnknownTokens(cfg.Limits.UnknownTokens),
		prefix:   cfg.endpointsPrefix(),
		opts:     o,
	}
	if s.finder, err = token.NewFinder(cfg.TokenSources()); err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	if s.origins, err = newOrigins(cfg.Origins); err != nil {
		return nil, err
	}
	if s.identity, err = newIdentityHeaders(cfg.Guard.Forward); err != nil {
		return nil, fmt.Errorf("gate: forward: %w", err)
	}
	s.claims = s.identity.usesClaims()
	s.pass.add(cfg.Guard.Pass...)
	for _, p := range preset.Pass {
		s.pass.add(routeOf(p))
	}
	if s.reject, err = newRejections(&cfg.Guard, preset); err != nil {
		return nil, err
	}
	exempt, err := newExempt(&cfg)
	if err != nil {
		return nil, err
	}
	s.claims = s.claims || exempt != nil && exempt.UsesClaims()
	if s.pages, err = newPages(&cfg); err != nil {
		return nil, err
	}
	if s.dept, err = newDept(&cfg); err != nil {
		return nil, err
	}
	s.claims = s.claims || s.dept != nil && s.dept.UsesClaims()
	for _, p := range s.pages {
		s.claims = s.claims || p.usesClaims()
	}
	asks := channel.Options{Probe: g.probe, Dormant: g.dormant}
	for i := range cfg.Sockets {
		ep, err := newEndpoint(asks, &cfg, &cfg.Sockets[i], preset, s.limits)
		if err != nil {
			return nil, fmt.Errorf("gate: socket %s: %w", cfg.Sockets[i].Path, err)
		}
		for _, one := range ep.formats() {
			one.site = s
		}
		s.sockets[ep.path] = ep
		s.claims = s.claims || ep.claims
		if ep.resumes && g.resumes.CompareAndSwap(false, true) {
			g.spawn(g.noteNode)
		}
	}
	for i := range cfg.SSE {
		ep, err := newStreamEndpoint(asks, &cfg, &cfg.SSE[i], preset, s.limits)
		if err != nil {
			return nil, fmt.Errorf("gate: sse %s: %w", cfg.SSE[i].Path, err)
		}
		s.streams[ep.path] = ep
		s.claims = s.claims || ep.claims
	}
	return s, nil
}

// Activate lets the sockets that are already open on this site's paths follow
// its configuration. The server calls it when the configuration takes over.
func (s *Site) Activate() {
	for _, ep := range s.sockets {
		for _, one := range ep.formats() {
			s.gate.activate(one)
		}
	}
	for _, ep := range s.streams {
		s.gate.activate(ep)
	}
}

// ServeHTTP connects a socket or a stream, answers one of the gate's own endpoints, or
// judges the request and passes it to next. It returns what next returned, and
// nil for what it answered itself. After a socket is connected it returns at
// once; the socket lives on in a goroutine of its own. So does a stream, but over
// HTTP/2 and HTTP/3.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request, next Next) error {
	s.identity.strip(r)
	path := s.opts.OriginalPath(r)
	if s.endpoints(w, r, path) || s.servePages(w, r, path) {
		return nil
	}
	ep, inPath, socketPath := s.endpointAt(s.sockets, path)
	if socketPath {
		if r.Method == http.MethodConnect {
			// RFC 8441 and RFC 9220 sockets: browsers fall back to HTTP/1.1.
			s.fail(w, r, http.StatusNotImplemented, "not_implemented", "websockets are served over HTTP/1.1 here")
			return nil
		}
		if wire.IsUpgrade(r) {
			s.connect(w, r, ep, inPath)
			return nil
		}
	}
	ep, inStream, streamPath := s.endpointAt(s.streams, path)
	if streamPath {
		if s.serveStream(w, r, ep, inStream) {
			return nil
		}
		inPath = inStream
	}
	token.StripPath(r, inPath)
	return s.guard(w, r, path, socketPath || streamPath, inPath, next)
}

// endpointAt finds whom a path belongs to, and what stands in it as a token.
func (s *Site) endpointAt(all map[string]*endpoint, path string) (ep *endpoint, inPath string, ok bool) {
	if ep, ok = all[path]; ok && !hasPart(path) {
		return ep, "", true
	}
	pattern, inPath, ok := s.finder.Path(path)
	if ok {
		ep, ok = all[pattern]
	}
	return ep, inPath, ok
}

// hasPart says whether a configured path is the pattern of a token source.
func hasPart(path string) bool { return strings.ContainsAny(path, "{}") }

func (o Options) withDefaults() Options {
	if o.Expand == nil {
		o.Expand = func(s string) (string, error) { return s, nil }
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.ClientIP == nil {
		o.ClientIP = func(r *http.Request) string {
			host, _, err := net.SplitHostPort(r.RemoteAddr)
			if err != nil {
				return r.RemoteAddr
			}
			return host
		}
	}
	if o.OriginalPath == nil {
		o.OriginalPath = func(r *http.Request) string { return r.URL.Path }
	}
	if o.SetUser == nil {
		o.SetUser = func(*http.Request, string) {}
	}
	return o
}
