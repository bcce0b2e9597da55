package token

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestSocket(t *testing.T) {
	t.Parallel()
	all := []Source{sub, bearer, query, cookie}
	merge := func(hs ...http.Header) http.Header {
		out := http.Header{}
		for _, h := range hs {
			for k, v := range h {
				out[k] = append(out[k], v...)
			}
		}
		return out
	}
	offer := func(v ...string) http.Header { return http.Header{"Sec-Websocket-Protocol": v} }
	for name, c := range map[string]struct {
		target string
		header http.Header
		want   string
		kind   Kind
		err    error
	}{
		"none":                    {"/ws", nil, "", "", ErrNone},
		"query":                   {"/ws?token=362466325", nil, "362466325", Query, nil},
		"page without a token":    {"/ws?token=null", nil, "", "", ErrNone},
		"header":                  {"/ws", auth("Bearer abc"), "abc", Header, nil},
		"cookie":                  {"/ws", cookies("sid=abc"), "abc", Cookie, nil},
		"cookie decoded":          {"/ws", cookies("sid=1%7Cabc"), "1|abc", Cookie, nil},
		"cookie and query agree":  {"/ws?token=1%257Cabc", cookies("sid=1%7Cabc"), "1%7Cabc", Query, nil},
		"subprotocol":             {"/ws", offer("wsgate, token.YWJj"), "abc", Subprotocol, nil},
		"subprotocol lines":       {"/ws", offer("wsgate", "token.YWJj"), "abc", Subprotocol, nil},
		"subprotocol padded":      {"/ws", offer("wsgate, token.YQ=="), "", "", ErrMalformed},
		"subprotocol garbage":     {"/ws", offer("wsgate, token.!"), "", "", ErrMalformed},
		"subprotocol 100 kB":      {"/ws", offer("token." + strings.Repeat("A", 100_000)), "", "", ErrMalformed},
		"subprotocol empty":       {"/ws", offer("wsgate, token."), "", "", ErrNone},
		"other subprotocol":       {"/ws", offer("graphql-ws"), "", "", ErrNone},
		"twice the same":          {"/ws?token=abc", merge(auth("Bearer abc"), offer("token.YWJj"), cookies("sid=abc")), "abc", Subprotocol, nil},
		"two values":              {"/ws?token=abc", auth("Bearer abd"), "", "", ErrConflict},
		"two parameters":          {"/ws?token=abc&token=abd", nil, "", "", ErrConflict},
		"two cookies":             {"/ws", cookies("sid=a; sid=b"), "", "", ErrConflict},
		"two subprotocols":        {"/ws", offer("token.YWJj, token.YWJk"), "", "", ErrConflict},
		"beside none":             {"/ws?token=undefined", auth("Bearer abc"), "abc", Header, nil},
		"beside garbage":          {"/ws?token=a%20b", auth("Bearer abc"), "", "", ErrMalformed},
		"100 kB":                  {"/ws?token=" + strings.Repeat("a", 100_000), nil, "", "", ErrMalformed},
		"not ASCII":               {"/ws?token=%C3%A9", nil, "", "", ErrMalformed},
		"JWT":                     {"/ws?token=" + hs256, nil, hs256, Query, nil},
		"JWT in another spelling": {"/ws?token=" + hs256 + "=", nil, "", "", ErrMalformed},
		"JWT, last character":     {"/ws?token=" + hs256[:len(hs256)-1] + "1", nil, "", "", ErrMalformed},
		"plus unescaped":          {"/ws?token=a+b", nil, "a+b", Query, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := NewFinder(all)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Socket(request(c.target, c.header))
			if !errors.Is(err, c.err) || got.Token.Raw() != c.want {
				t.Fatalf("got %q from %v, error %v", got.Token.Raw(), got.Source, err)
			}
			if err == nil && (!got.Canonical || name != "cookie and query agree" && got.Source.Kind != c.kind) {
				t.Fatalf("source %v, canonical %v", got.Source, got.Canonical)
			}
		})
	}
}

func TestSubprotocolReply(t *testing.T) {
	t.Parallel()
	with, _ := NewFinder([]Source{sub})
	without, _ := NewFinder([]Source{query})
	for offered, want := range map[string]string{
		"wsgate, token.YWJj":   "wsgate",
		"token.YWJj ,  wsgate": "wsgate",
		"token.YWJj":           "",
		"chat":                 "",
		"":                     "",
	} {
		r := request("/ws", http.Header{"Sec-Websocket-Protocol": {offered}})
		if got := with.SubprotocolReply(r); got != want {
			t.Errorf("offered %q, answered %q", offered, got)
		}
		if got := without.SubprotocolReply(r); got != "" {
			t.Errorf("answered %q, though the source is not configured", got)
		}
	}
}

func TestStripQuery(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		target string
		header http.Header
		socket bool
		want   string
	}{
		"socket":                 {"/ws?token=abc", nil, true, "/ws"},
		"order and spelling":     {"/ws?b=%41+x&token=abc&a=&a&%zz", nil, true, "/ws?b=%41+x&a=&a&%zz"},
		"semicolons":             {"/ws?a=1;token=abc;b=2&token=x", nil, true, "/ws?a=1;b=2"},
		"first":                  {"/ws?token=abc&a=1", nil, true, "/ws?a=1"},
		"encoded name":           {"/ws?t%6Fken=abc&a=1", nil, true, "/ws?a=1"},
		"malformed token too":    {"/ws?token=a%20b", nil, true, "/ws"},
		"nothing to remove":      {"/ws?a=1&&b", nil, true, "/ws?a=1&&b"},
		"no query":               {"/ws", nil, true, "/ws"},
		"HTTP, query only":       {"/x?token=abc&a=1", nil, false, "/x?token=abc&a=1"},
		"HTTP, header too":       {"/x?token=abc&a=1", auth("Bearer abc"), false, "/x?a=1"},
		"HTTP, cookie too":       {"/x?token=1%7Cabc&a=1", cookies("sid=1%7Cabc"), false, "/x?a=1"},
		"HTTP, another value":    {"/x?token=abc&token=abd", auth("Bearer abd"), false, "/x?token=abc"},
		"HTTP, other header":     {"/x?token=abc", http.Header{"X-Other": {"abc"}}, false, "/x?token=abc"},
		"absolute request":       {"http://h/ws?token=abc&a=1", nil, true, "http://h/ws?a=1"},
		"question mark in query": {"/ws?a=?&token=abc", nil, true, "/ws?a=?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := NewFinder([]Source{bearer, query, cookie})
			r := request(c.target, c.header)
			f.StripQuery(r, c.socket)
			_, q, _ := strings.Cut(c.want, "?")
			if r.RequestURI != c.want || r.URL.RawQuery != q {
				t.Fatalf("RequestURI %q, query %q; want %q", r.RequestURI, r.URL.RawQuery, c.want)
			}
		})
	}
}
