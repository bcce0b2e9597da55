package token

import (
	"errors"
	"strings"
	"testing"
)

func TestTicket(t *testing.T) {
	t.Parallel()
	f, err := NewFinder([]Source{query, {Kind: Ticket}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		target, want string
		err          error
	}{
		"none":          {"/ws?token=x", "", ErrNone},
		"one":           {"/ws?ticket=abc", "abc", nil},
		"in any case":   {"/ws?a=b&Tick%65t=abc", "abc", nil},
		"twice":         {"/ws?ticket=abc&ticket=abc", "abc", nil},
		"two":           {"/ws?ticket=abc&ticket=abd", "", ErrConflict},
		"empty":         {"/ws?ticket=", "", ErrNone},
		"undefined":     {"/ws?ticket=undefined&ticket=abc", "abc", nil},
		"malformed":     {"/ws?ticket=a%20b", "", ErrMalformed},
		"a hundred kB":  {"/ws?ticket=" + strings.Repeat("x", 100<<10), "", ErrMalformed},
		"a token's too": {"/ws?token=x&ticket=abc", "abc", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := f.Ticket(request(c.target, nil))
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%q, %v; want %q, %v", got, err, c.want, c.err)
			}
		})
	}
	if f, _ := NewFinder([]Source{query}); f != nil {
		if _, err := f.Ticket(request("/ws?ticket=abc", nil)); !errors.Is(err, ErrNone) {
			t.Errorf("a ticket without the source: %v", err)
		}
	}
	r := request("/ws?a=1&ticket=abc&b=2", nil)
	f.StripQuery(r, false)
	if r.URL.RawQuery != "a=1&ticket=abc&b=2" {
		t.Errorf("the backend's own ticket went: %q", r.URL.RawQuery)
	}
	f.StripQuery(r, true)
	if r.URL.RawQuery != "a=1&b=2" || strings.Contains(r.RequestURI, "abc") {
		t.Errorf("the ticket stays: %q", r.RequestURI)
	}
}
