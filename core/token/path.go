package token

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// pathToken is the part of a path's pattern where the token stands.
const pathToken = "{token}"

// pathPart is another part, which may be anything.
var pathPart = regexp.MustCompile(`^\{[a-z][a-z0-9_]*\}$`)

// pathPattern is a path in whole segments, such as /ws/{token} or /ws/{id}/{token}.
type pathPattern struct {
	text     string
	segments []string // as they are written
	token    int
}

func newPathPattern(text string) (pathPattern, error) {
	p := pathPattern{text: text, token: -1}
	rest, ok := strings.CutPrefix(text, "/")
	if !ok {
		return p, fmt.Errorf("token: path %q: want a path with the part %s, such as /ws/%s", text, pathToken, pathToken)
	}
	p.segments = strings.Split(rest, "/")
	for i, s := range p.segments {
		switch {
		case s == pathToken && p.token >= 0:
			return p, fmt.Errorf("token: path %q has %s twice: write it once", text, pathToken)
		case s == pathToken:
			p.token = i
		case !pathPart.MatchString(s) && strings.ContainsAny(s, "{}?#%"):
			return p, fmt.Errorf("token: path %q: %q can't stand there; a part such as %s or {id} is all between two slashes", text, s, pathToken)
		}
	}
	if p.token < 0 {
		return p, fmt.Errorf("token: path %q has no part %s, such as /ws/%s", text, pathToken, pathToken)
	}
	return p, nil
}

// match yields what stands in a path where the token should.
func (p *pathPattern) match(path string) (value string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/")
	for i, want := range p.segments {
		var s string
		var more bool
		s, rest, more = strings.Cut(rest, "/")
		last := i == len(p.segments)-1
		switch {
		case !ok || more == last:
			return "", false
		case i == p.token:
			value = s
		case want != "" && want[0] == '{' && s != "": // anything
		case s != want:
			return "", false
		}
	}
	return value, true
}

// Path finds the pattern of a path source that a path matches, and what stands in the
// path where the token should: it is for Socket and StripPath. The path is the decoded
// one. The first pattern counts.
func (f *Finder) Path(path string) (pattern, value string, ok bool) {
	for i := range f.paths {
		if value, ok := f.paths[i].match(path); ok {
			return f.paths[i].text, value, true
		}
	}
	return "", "", false
}

// PathRegexp is for logs that must not show the tokens in paths of a valid pattern: what
// to look for, and what to put there.
func PathRegexp(pattern string) (expr, with string) {
	p, err := newPathPattern(pattern)
	if err != nil {
		return "", ""
	}
	literal := true
	for _, s := range p.segments[:p.token+1] {
		if literal = literal && !strings.HasPrefix(s, "{"); literal {
			expr, with = expr+"/"+regexp.QuoteMeta(s), with+"/"+s
			continue
		}
		expr += "/[^/?]+"
	}
	return "^" + expr, with + "/REDACTED"
}

// FromPath adds the token in a path, which Path has found, to the others of a request.
// Errors are those of Socket.
func FromPath(value string, others Found, err error) (Found, error) {
	t, bad := New(value)
	_, canonical := t.Canonical()
	switch {
	case err != nil && !errors.Is(err, ErrNone):
		return Found{}, err
	case bad != nil || !canonical:
		return Found{}, ErrMalformed
	case t.IsZero():
		return others, err
	case err == nil && others.Token != t:
		return Found{}, ErrConflict
	}
	return Found{Token: t, Source: Source{Kind: Path}, Canonical: true}, nil
}

// AppendPath adds the token in a path to what HTTP has found, for a plain request to the
// path of a socket.
func AppendPath(buf []Found, value string) []Found {
	return appendFound(buf, &Source{Kind: Path}, []reading{{value: value}})
}

// StripPath removes the token in a path, which Path has found, from the request. It
// edits r.URL and r.RequestURI.
func StripPath(r *http.Request, value string) {
	if value == "" || !strings.Contains(r.URL.Path, value) {
		return
	}
	segments := strings.Split(r.URL.Path, "/")
	for i, s := range segments {
		if s == value {
			segments[i] = ""
		}
	}
	r.URL.Path, r.URL.RawPath = strings.Join(segments, "/"), ""
	r.RequestURI = r.URL.RequestURI()
}
