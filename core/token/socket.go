package token

import (
	"net/http"
	"strings"
)

// Socket returns the token of an upgrade request, from every source but the path (see
// FromPath) and the ticket. Errors:
// ErrNone; ErrMalformed, also for a JWT in another than its canonical spelling;
// ErrConflict where two values differ.
func (f *Finder) Socket(r *http.Request) (Found, error) {
	var p pick
	var stack [maxReadings]reading
	for i := range f.sources {
		s := &f.sources[i]
		switch s.Kind {
		case Header:
			for _, v := range r.Header[s.Name] {
				p.add(s, headerReadings(stack[:0], v, s.Scheme, s.SchemeOptional))
			}
		case Query:
			for q := r.URL.RawQuery; q != ""; {
				name, value, _, rest, _ := nextParam(q)
				if q = rest; strings.EqualFold(name, s.Name) {
					p.add(s, queryReadings(stack[:0], value, s))
				}
			}
		case Cookie:
			for _, line := range r.Header["Cookie"] {
				for line != "" {
					var name, value string
					if name, value, line = nextCookie(line); strings.EqualFold(name, s.Name) {
						p.add(s, cookieReadings(stack[:0], value))
					}
				}
			}
		case Subprotocol:
			for name := range offers(r) {
				v, is, err := subprotocolToken(name)
				if err != nil {
					p.fail(err)
				} else if is {
					p.add(s, append(stack[:0], reading{value: v}))
				}
			}
			if name := bareOffer(r); s.Bare && name != "" {
				p.add(s, append(stack[:0], reading{value: name}))
			}
		case Path, FirstMessage, Ticket: // are read by others
		}
	}
	switch {
	case p.err != nil:
		return Found{}, p.err
	case len(p.tokens) == 0:
		return Found{}, ErrNone
	}
	return Found{Token: p.tokens[0], Source: p.source, Canonical: true}, nil
}

// pick narrows down what all values of a request can mean in common.
type pick struct {
	tokens []Token
	source Source
	err    error
}

func (p *pick) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *pick) add(s *Source, rs []reading) {
	var these []Token
	var bad error
	for _, r := range rs {
		if r.odd {
			continue
		}
		t, err := New(r.value)
		if err == nil && !t.IsZero() {
			if _, ok := t.Canonical(); ok {
				these = append(these, t)
				continue
			}
			err = ErrMalformed
		}
		if err != nil {
			bad = err
		}
	}
	switch {
	case len(these) == 0:
		if bad != nil {
			p.fail(bad)
		}
	case len(p.tokens) == 0:
		p.tokens, p.source = these, *s
	default:
		common := p.tokens[:0]
		for _, t := range p.tokens {
			for _, u := range these {
				if t == u {
					common = append(common, t)
				}
			}
		}
		if p.tokens = common; len(common) == 0 {
			p.tokens = these
			p.fail(ErrConflict)
		}
	}
}
