package gate

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/ticket"
	"github.com/wsgate/wsgate/core/token"
)

// ticketsPerMinute bounds the tickets of one token, as many at once.
const ticketsPerMinute = 60

// ticket answers POST <endpoints>/ticket: the request's token becomes a ticket, with
// which a socket or a stream is opened in its stead.
func (s *Site) ticket(w http.ResponseWriter, r *http.Request) {
	found, ok := s.presented(w, r)
	if !ok {
		return
	}
	sh := s.gate.shared.Load()
	v, err := s.judge(r, sh, found)
	d, denied := asDenial(err)
	switch {
	case denied:
		s.deny(w, r, d)
		return
	case errors.Is(err, errInactive):
		s.fail(w, r, http.StatusUnauthorized, "inactive_token", "the token is not active")
		return
	case err != nil:
		s.fail(w, r, http.StatusServiceUnavailable, "unavailable", "the login can't be verified now")
		return
	case v.Status == session.Dead && !passes(&v, r, time.Now()):
		s.gate.metrics.rejected(v.Reason)
		s.setUser(r, v.Account)
		s.reject.dead(s, w, r, v, found.Source)
		return
	}
	s.setUser(r, v.Account)
	if !s.gate.issued.get(sh.key.Fingerprint(found.Token)).Allow() {
		s.fail(w, r, http.StatusTooManyRequests, "too_many_tickets", "this login asks for tickets too often")
		return
	}
	ctx, cancel := sh.patience(r.Context())
	defer cancel()
	t, err := sh.tickets.Issue(ctx, found.Token)
	if err != nil {
		s.gate.trouble("ticket could not be stored", err)
		s.fail(w, r, http.StatusServiceUnavailable, "unavailable", "no ticket can be had now")
		return
	}
	s.setDevice(w, r, sh)
	s.rejectHeaders(w.Header(), r)
	b, _ := json.Marshal(struct {
		Ticket    string `json:"ticket"`
		ExpiresIn int    `json:"expires_in"`
	}{t, int(ticket.TTL / time.Second)})
	write(w, r, http.StatusOK, jsonType, string(b))
}

// redeem changes the ticket of a request for a socket or a stream for its token, which
// must be found's where the request has that, too. nil says that it did; else the
// request is to be refused.
func (s *Site) redeem(ctx context.Context, sh *shared, t string, found *token.Found) *refusal {
	ctx, cancel := sh.patience(ctx)
	defer cancel()
	tok, err := sh.tickets.Redeem(ctx, t)
	_, canonical := tok.Canonical()
	switch {
	case errors.Is(err, ticket.ErrUnknown):
		return &refusal{http.StatusUnauthorized, "invalid_ticket", "the ticket is wrong, used, or too old"}
	case err != nil:
		s.gate.trouble("ticket could not be redeemed", err)
		return unavailable().refused
	case tok.IsZero() || !canonical || !found.Token.IsZero() && found.Token != tok:
		return &refusal{http.StatusBadRequest, "bad_token", "the token is malformed, or there are two"}
	}
	*found = token.Found{Token: tok, Source: token.Source{Kind: token.Ticket}, Canonical: true}
	return nil
}
