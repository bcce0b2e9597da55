package token

import (
	"net/http"
	"strings"
)

// ticketParam is the query parameter that a ticket comes in.
const ticketParam = "ticket"

// Tickets says whether a ticket may stand for a token.
func (f *Finder) Tickets() bool { return f.ticket }

// Ticket returns the ticket of a request for a socket or a stream, which has yet to be
// redeemed. Errors: ErrNone; ErrMalformed; ErrConflict where there are two.
func (f *Finder) Ticket(r *http.Request) (string, error) {
	if !f.ticket {
		return "", ErrNone
	}
	ticket := ""
	for q := r.URL.RawQuery; q != ""; {
		name, value, _, rest, _ := nextParam(q)
		if q = rest; !strings.EqualFold(name, ticketParam) {
			continue
		}
		switch t, err := New(unescape(value)); {
		case err != nil:
			return "", err
		case t.IsZero(): // a page without one
		case ticket != "" && ticket != t.Raw():
			return "", ErrConflict
		default:
			ticket = t.Raw()
		}
	}
	if ticket == "" {
		return "", ErrNone
	}
	return ticket, nil
}
