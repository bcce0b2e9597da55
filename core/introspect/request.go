package introspect

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/token"
)

const tokenPlaceholder = "{token}"

// template is a value around the places of the token.
type template []string

// parseTemplate replaces placeholders of the configuration, but not {token}.
func parseTemplate(s string, expand conf.Expand) (template, error) {
	t := strings.Split(s, tokenPlaceholder)
	for i, piece := range t {
		var err error
		if t[i], err = expand(piece); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t template) fill(tok token.Token) string { return strings.Join(t, tok.Raw()) }

func (t template) hasToken() bool { return len(t) > 1 }

type placement struct {
	in, name string
	value    template
}

// builder makes requests from an allow-list: nothing of a client's request gets
// to the endpoint but what is named.
type builder struct {
	method  string
	uri     *url.URL
	places  []placement
	auth    string // the Authorization header
	forward []ForwardHeader
}

func newBuilder(c *Config, expand conf.Expand) (*builder, error) {
	raw, err := expand(c.URI)
	if err != nil {
		return nil, fmt.Errorf("introspect: endpoint: %w", err)
	}
	b := &builder{method: c.Method, forward: c.ForwardHeaders}
	if b.uri, err = parseURI(raw); err != nil {
		return nil, err
	}
	for _, p := range c.Send {
		t, err := parseTemplate(p.Value, expand)
		if err != nil {
			return nil, fmt.Errorf("introspect: send %s %s: %w", p.In, p.Name, err)
		}
		b.places = append(b.places, placement{p.In, p.Name, t})
	}
	if c.Auth == nil {
		return b, nil
	}
	secret, err := expand(c.Auth.Secret)
	if err != nil {
		return nil, fmt.Errorf("introspect: auth: %w", err)
	}
	id, err := expand(c.Auth.ID)
	if err != nil {
		return nil, fmt.Errorf("introspect: auth: %w", err)
	}
	// RFC 7617. OAuth servers expect id and secret form-encoded first (RFC 6749
	// section 2.3.1), which differs only where they hold other characters than
	// letters, digits and -._; such can be written encoded.
	b.auth = "Bearer " + secret
	if c.Auth.Type == "basic" {
		b.auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
	}
	return b, nil
}

// taken returns the headers that the question takes over from the client's
// request, which may be nil. They are copies: a call may outlive the request.
func (b *builder) taken(from *http.Request) http.Header {
	if from == nil {
		return nil
	}
	h := http.Header{}
	for i := range b.forward {
		if v := forwarded(from, &b.forward[i]); len(v) > 0 {
			h[http.CanonicalHeaderKey(b.forward[i].Name)] = slices.Clone(v)
		}
	}
	for _, name := range [...]string{"Traceparent", "Tracestate"} {
		if v := from.Header[name]; len(v) > 0 {
			h[name] = slices.Clone(v)
		}
	}
	return h
}

// introspection builds the question.
func (b *builder) introspection(ctx context.Context, tok token.Token, taken http.Header) (*http.Request, error) {
	r, err := b.build(ctx, b.method, b.uri, b.places, tok)
	if err != nil {
		return nil, err
	}
	if b.auth != "" {
		r.Header.Set("Authorization", b.auth)
	}
	maps.Copy(r.Header, taken)
	// A question may be asked twice: with this (it is not sent), a POST whose
	// kept connection the server has just closed is repeated on another.
	r.Header["Idempotency-Key"] = nil
	return r, nil
}

// forwarded returns the values of a header of the client's request, or of the
// query parameter that stands in for it.
func forwarded(from *http.Request, f *ForwardHeader) []string {
	if v := from.Header[http.CanonicalHeaderKey(f.Name)]; len(v) > 0 {
		return v
	}
	if f.Query == "" || from.URL == nil || from.URL.RawQuery == "" {
		return nil
	}
	v := from.URL.Query()[f.Query]
	if len(v) == 0 || strings.ContainsFunc(v[0], func(r rune) bool { return r < ' ' || r == 0x7F }) {
		return nil
	}
	return v[:1]
}

func (b *builder) build(ctx context.Context, method string, to *url.URL, places []placement, tok token.Token) (*http.Request, error) {
	h := http.Header{"User-Agent": {"wsgate"}, "Accept": {"application/json"}}
	var host, body string
	form, fields, query := url.Values{}, map[string]string{}, url.Values{}
	for _, p := range places {
		v := p.value.fill(tok)
		switch p.in {
		case inHeader:
			if strings.EqualFold(p.name, "Host") {
				host = v
			} else {
				h.Set(p.name, v)
			}
		case inCookie:
			c := p.name + "=" + cookieEscaper.Replace(v)
			if old := h.Get("Cookie"); old != "" {
				c = old + "; " + c
			}
			h.Set("Cookie", c)
		case inQuery:
			query.Set(p.name, v)
		case inForm:
			form.Set(p.name, v)
		case inJSON:
			fields[p.name] = v
		}
	}
	switch {
	case len(form) > 0:
		h.Set("Content-Type", "application/x-www-form-urlencoded")
		body = form.Encode()
	case len(fields) > 0:
		h.Set("Content-Type", "application/json")
		b, err := json.Marshal(fields)
		if err != nil {
			return nil, fmt.Errorf("%w: the request can't be written", ErrConfig)
		}
		body = string(b)
	}
	u := *to
	if len(query) > 0 {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://x", strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: the request can't be written", ErrConfig)
	}
	if body == "" {
		r.Body, r.GetBody, r.ContentLength = nil, nil, 0
	}
	r.URL, r.Host, r.Header = &u, host, h
	if host == "" {
		r.Host = u.Host
	}
	return r, nil
}

// cookieEscaper escapes what would end a cookie's value.
var cookieEscaper = strings.NewReplacer(";", "%3B", ",", "%2C", `"`, "%22", `\`, "%5C", " ", "%20")
