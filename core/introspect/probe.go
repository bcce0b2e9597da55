package introspect

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/wsgate/wsgate/core/token"
)

// Probe sends a request to the backend with the user's own token, placed in the
// header, cookie or query parameter where introspection places it, or else in
// `Authorization: Bearer`. wsgate's own credentials are not sent, and no other
// parameter to another origin. A uri that begins with a slash belongs to the
// introspection endpoint's origin. Redirects are not followed: their status is
// the answer's. Errors: ErrUnreachable, ErrAnswer, ErrConfig, ErrClosed.
//
// A probe has the timeout and max_body of introspection, and places of its own,
// half as many as max_in_flight.
func (c *Client) Probe(ctx context.Context, method, uri string, tok token.Token) (Response, error) {
	if c.ctx.Err() != nil {
		return Response{}, ErrClosed
	}
	u, err := url.Parse(uri)
	if err != nil || u.User != nil {
		return Response{}, fmt.Errorf("%w: the probe's URI can't be used", ErrConfig)
	}
	if u.Host == "" && u.Scheme == "" {
		u.Scheme, u.Host = c.build.uri.Scheme, c.build.uri.Host
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return Response{}, fmt.Errorf("%w: the probe's URI can't be used", ErrConfig)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(c.cfg.Timeout))
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	if err := c.probes.acquire(ctx, true); err != nil {
		return Response{}, fmt.Errorf("%w: waiting for a probe's place: %w", ErrUnreachable, err)
	}
	defer c.probes.release(true)
	r, err := c.build.build(ctx, method, u, c.build.probePlaces(u), tok)
	if err != nil {
		return Response{}, err
	}
	return c.call(r)
}

func (b *builder) probePlaces(to *url.URL) []placement {
	same := to.Scheme == b.uri.Scheme && to.Host == b.uri.Host
	var out []placement
	placed := false
	for _, p := range b.places {
		if p.in == inForm || p.in == inJSON || !same && !p.value.hasToken() {
			continue
		}
		out = append(out, p)
		placed = placed || p.value.hasToken()
	}
	if !placed {
		out = append(out, placement{inHeader, "Authorization", template{"Bearer ", ""}})
	}
	return out
}
