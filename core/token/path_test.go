package token

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestPath(t *testing.T) {
	t.Parallel()
	f, err := NewFinder([]Source{{Kind: Path, Pattern: "/ws/{token}"}, {Kind: Path, Pattern: "/a/{id}/{token}/live"}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		pattern, value string
		ok             bool
	}{
		"/ws/abc":            {"/ws/{token}", "abc", true},
		"/ws/a.b-c_d":        {"/ws/{token}", "a.b-c_d", true},
		"/ws/":               {"/ws/{token}", "", true},
		"/ws":                {},
		"/ws/abc/":           {},
		"/ws/abc/x":          {},
		"/wsx/abc":           {},
		"ws/abc":             {},
		"":                   {},
		"/a/7/abc/live":      {"/a/{id}/{token}/live", "abc", true},
		"/a//abc/live":       {},
		"/a/7/abc/dead":      {},
		"/a/7/abc":           {},
		"/a/7/abc/live/more": {},
		"/ws/{token}":        {"/ws/{token}", "{token}", true},
	} {
		pattern, value, ok := f.Path(path)
		if pattern != want.pattern || value != want.value || ok != want.ok {
			t.Errorf("%s: %q %q %v", path, pattern, value, ok)
		}
	}
}

func TestPathErrors(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"":                          "want a path",
		"ws/{token}":                "want a path",
		"/ws":                       "has no part",
		"/ws/{token}/{token}":       "twice",
		"/ws/a{token}":              "can't stand there",
		"/ws/{token}?x":             "can't stand there",
		"/ws/{userId}/{token}":      "can't stand there",
		"/{http.request.host}/ws":   "can't stand there",
		"/ws/%41/{token}":           "can't stand there",
		"/ws/{token}/{http.vars.x}": "can't stand there",
	} {
		if _, err := NewFinder([]Source{{Kind: Path, Pattern: pattern}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", pattern, err)
		}
	}
	for _, s := range []Source{{Kind: Path, Pattern: "/ws/{token}", Name: "a"}, {Kind: Subprotocol, Pattern: "/ws/{token}"}, {Kind: Query, Name: "a", Bare: true}} {
		if err := s.Validate(); err == nil {
			t.Errorf("%+v is accepted", s)
		}
	}
}

func TestFromPath(t *testing.T) {
	t.Parallel()
	other, _ := New("abd")
	for name, c := range map[string]struct {
		value  string
		others Found
		err    error
		want   string
		kind   Kind
		fails  error
	}{
		"alone":             {"abc", Found{}, ErrNone, "abc", Path, nil},
		"nobody's":          {"undefined", Found{}, ErrNone, "", "", ErrNone},
		"beside none":       {"undefined", Found{Token: other, Source: query}, nil, "abd", Query, nil},
		"beside the same":   {"abd", Found{Token: other, Source: query}, nil, "abd", Path, nil},
		"beside another":    {"abc", Found{Token: other, Source: query}, nil, "", "", ErrConflict},
		"beside a conflict": {"abc", Found{}, ErrConflict, "", "", ErrConflict},
		"malformed":         {"a b", Found{}, ErrNone, "", "", ErrMalformed},
		"too long":          {strings.Repeat("x", MaxLen+1), Found{}, ErrNone, "", "", ErrMalformed},
		"a JWT spelled odd": {hs256 + "=", Found{}, ErrNone, "", "", ErrMalformed},
	} {
		got, err := FromPath(c.value, c.others, c.err)
		if got.Token.Raw() != c.want || got.Source.Kind != c.kind || !errors.Is(err, c.fails) {
			t.Errorf("%s: %q from %q, %v", name, got.Token.Raw(), got.Source.Kind, err)
		}
	}
}

func TestStripPath(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/ws/abc":         "/ws/",
		"/ws/abc?a=1&b":   "/ws/?a=1&b",
		"/ws/a%62c":       "/ws/",
		"/up/stream/abc/": "/up/stream//",
		"/abcd/abc":       "/abcd/",
		"/rewritten":      "/rewritten",
	} {
		r := request(target, nil)
		r.RequestURI = target
		StripPath(r, "abc")
		if r.RequestURI != want || r.URL.RequestURI() != want {
			t.Errorf("%s became %s (%s), want %s", target, r.RequestURI, r.URL.RequestURI(), want)
		}
	}
}

func TestPathRegexp(t *testing.T) {
	t.Parallel()
	for pattern, c := range map[string]struct{ uri, want string }{
		"/ws/{token}":          {"/ws/abc?a=1", "/ws/REDACTED?a=1"},
		"/a.b/{token}/x":       {"/a.b/abc/x", "/a.b/REDACTED/x"},
		"/{token}":             {"/abc", "/REDACTED"},
		"/a/{id}/{token}/live": {"/a/7/abc/live", "/a/REDACTED/live"},
	} {
		expr, with := PathRegexp(pattern)
		if got := regexp.MustCompile(expr).ReplaceAllString(c.uri, with); got != c.want {
			t.Errorf("%s: %s %s makes %s", pattern, expr, with, got)
		}
	}
}

func TestBareSubprotocol(t *testing.T) {
	t.Parallel()
	f, err := NewFinder([]Source{{Kind: Subprotocol, Bare: true}})
	if err != nil {
		t.Fatal(err)
	}
	for offered, want := range map[string]struct {
		token, reply string
		err          error
	}{
		"abc":                       {"abc", "abc", nil},
		" abc ":                     {"abc", "abc", nil},
		hs256:                       {hs256, hs256, nil},
		"wsgate, token.YWJj":        {"abc", "wsgate", nil},
		"token.YWJj":                {"abc", "", nil},
		"abc, abd":                  {"", "", ErrNone},
		"wsgate":                    {"", "wsgate", ErrNone},
		"undefined":                 {"", "undefined", ErrNone},
		"":                          {"", "", ErrNone},
		"a b":                       {"", "", ErrMalformed},
		"a=b/c":                     {"a=b/c", "", nil}, // no name that may be echoed
		strings.Repeat("x", 10_000): {"", strings.Repeat("x", 10_000), ErrMalformed},
	} {
		r := request("/ws", http.Header{"Sec-Websocket-Protocol": {offered}})
		got, err := f.Socket(r)
		if got.Token.Raw() != want.token || !errors.Is(err, want.err) {
			t.Errorf("%.80q: %.80q, %v", offered, got.Token.Raw(), err)
		}
		if reply := f.SubprotocolReply(r); reply != want.reply {
			t.Errorf("%.80q: answered %.80q", offered, reply)
		}
	}
}
