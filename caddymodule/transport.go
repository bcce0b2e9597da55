package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"

	"github.com/wsgate/wsgate/core/introspect"
)

// parseTransport parses how the introspection endpoint is connected to, with what
// reverse_proxy has in the same place. Syntax:
//
//	transport http {
//		…
//	}
func parseTransport(d *caddyfile.Dispenser, c *introspect.Config) error {
	if !d.NextArg() {
		return errForm
	}
	if d.Val() != "http" {
		return d.Errf("transport: %q can't carry introspection: want http", d.Val())
	}
	line := *d
	m, err := caddyfile.UnmarshalModule(d, "http.reverse_proxy.transport.http")
	if err != nil {
		return err
	}
	if t, ok := m.(*reverseproxy.HTTPTransport); ok {
		if err := checkTransport(t, c.URI); err != nil {
			return line.WrapErr(err)
		}
	}
	c.Transport = caddyconfig.JSONModuleObject(m, "protocol", "http", nil)
	return nil
}

// loadTransport makes the transport that a configuration asks for; nil without one. It
// lives as long as the configuration of ctx.
func loadTransport(ctx caddy.Context, c *introspect.Config) (http.RoundTripper, error) {
	if c.Transport == nil {
		return nil, nil
	}
	var raw struct {
		TransportRaw json.RawMessage `caddy:"namespace=http.reverse_proxy.transport inline_key=protocol"`
	}
	raw.TransportRaw = c.Transport
	m, err := ctx.LoadModule(&raw, "TransportRaw")
	if err != nil {
		return nil, fmt.Errorf("introspect: transport: %w", err)
	}
	t, ok := m.(*reverseproxy.HTTPTransport)
	if !ok {
		return nil, errors.New("introspect: transport: only the protocol http can carry introspection")
	}
	if err := checkTransport(t, c.URI); err != nil {
		return nil, err
	}
	if t.MaxResponseHeaderSize == 0 {
		t.Transport.MaxResponseHeaderBytes = introspect.MaxHeader
	}
	return transport{t}, nil
}

// checkTransport says what of reverse_proxy's transport means nothing here.
func checkTransport(t *reverseproxy.HTTPTransport, uri string) error {
	if full, err := expand(uri); err == nil {
		uri = full
	}
	switch {
	case t.ProxyProtocol != "":
		return errors.New("introspect: transport: proxy_protocol tells of a client, and introspection has none: leave it out")
	case t.TLSEnabled() && strings.HasPrefix(strings.ToLower(uri), "http://"):
		return errors.New("introspect: transport: the TLS settings need an endpoint of https://")
	}
	return nil
}

// transport is reverse_proxy's, for requests that come from no client.
type transport struct {
	http *reverseproxy.HTTPTransport
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	// A server name with a placeholder is replaced while connecting.
	r = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, caddy.NewReplacer()))
	res, err := t.http.RoundTrip(r)
	if dial, ok := errors.AsType[reverseproxy.DialError](err); ok {
		err = &net.OpError{Op: "connect", Err: dial}
	}
	return res, err
}
