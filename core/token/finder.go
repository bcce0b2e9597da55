package token

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
)

// MaxValues is the most distinct tokens that a plain HTTP request may carry.
// [Finder.HTTP] returns one more where there are more; such a request is to be
// refused, for a dead token could hide behind those that were read.
const MaxValues = 16

// maxSources bounds the work that one request can cause.
const maxSources = 32

// Found is a token and the place where it was.
type Found struct {
	Token  Token
	Source Source
	// Canonical is false for a JWT in another spelling, which has the
	// fingerprint of the canonical one, and for a value that only an unusual
	// parser takes for a token, such as the x of `Foo x`. Where the fingerprint
	// is dead the request is refused; else the backend answers for it, and
	// asking it is not worth a call.
	Canonical bool
}

// Finder reads the tokens of requests.
type Finder struct {
	sources      []Source
	subprotocol  bool
	bare         bool
	firstMessage bool
	ticket       bool
	cookies      bool
	paths        []pathPattern
	marks        *markKey
}

// NewFinder makes a Finder of the given sources, or of DefaultSources where
// there are none. Errors name the source and what is wrong with it.
func NewFinder(sources []Source) (*Finder, error) {
	if len(sources) == 0 {
		sources = DefaultSources()
	}
	if len(sources) > maxSources {
		return nil, fmt.Errorf("token: %d sources, at most %d are possible", len(sources), maxSources)
	}
	f := &Finder{sources: make([]Source, len(sources)), marks: newMarkKey()}
	for i, s := range sources {
		if err := s.Validate(); err != nil {
			return nil, err
		}
		if s.Kind == Header {
			s.Name = textproto.CanonicalMIMEHeaderKey(s.Name)
		}
		f.sources[i] = s
		f.subprotocol = f.subprotocol || s.Kind == Subprotocol
		if s.Kind == Path {
			p, _ := newPathPattern(s.Pattern) // valid
			f.paths = append(f.paths, p)
		}
		f.bare = f.bare || s.Bare
		f.firstMessage = f.firstMessage || s.Kind == FirstMessage
		f.ticket = f.ticket || s.Kind == Ticket
		f.cookies = f.cookies || s.Kind == Cookie
	}
	return f, nil
}

// HTTP appends every distinct well-formed token in the header, cookie and query
// sources of a plain request to buf, at most MaxValues+1. Repeated headers,
// parameters and cookies all count, and a value that backends read in more than
// one way counts once for each.
func (f *Finder) HTTP(r *http.Request, buf []Found) []Found {
	var stack [maxReadings]reading
	for i := range f.sources {
		s := &f.sources[i]
		switch s.Kind {
		case Header:
			for _, v := range r.Header[s.Name] {
				buf = appendFound(buf, s, headerReadings(stack[:0], v, s.Scheme, s.SchemeOptional))
			}
		case Query:
			for q := r.URL.RawQuery; q != ""; {
				name, value, _, rest, _ := nextParam(q)
				if q = rest; strings.EqualFold(name, s.Name) {
					buf = appendFound(buf, s, queryReadings(stack[:0], value, s))
				}
			}
		case Cookie:
			for _, line := range r.Header["Cookie"] {
				for line != "" {
					var name, value string
					if name, value, line = nextCookie(line); strings.EqualFold(name, s.Name) {
						buf = appendFound(buf, s, cookieReadings(stack[:0], value))
					}
				}
			}
		case Subprotocol, Path, FirstMessage, Ticket: // mean nothing on plain HTTP
		}
	}
	return buf
}

func appendFound(buf []Found, s *Source, rs []reading) []Found {
	for _, r := range rs {
		t, err := New(r.value)
		if err != nil || t.IsZero() {
			continue
		}
		_, ok := t.Canonical()
		buf = appendDistinct(buf, Found{Token: t, Source: *s, Canonical: ok && !r.odd})
		if ok {
			continue
		}
		// Decoders skip a padding character or stop at it, so a signature with
		// one in the middle can mean two.
		if cut, is := cutPadding(r.value); is {
			if t, err := New(cut); err == nil && t.IsJWT() {
				buf = appendDistinct(buf, Found{Token: t, Source: *s})
			}
		}
	}
	return buf
}

func appendDistinct(buf []Found, f Found) []Found {
	for i := range buf {
		if buf[i].Token == f.Token {
			if f.Canonical && !buf[i].Canonical {
				buf[i] = f
			}
			return buf
		}
	}
	if len(buf) > MaxValues {
		return buf
	}
	return append(buf, f)
}
