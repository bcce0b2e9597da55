package session

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/wsgate/wsgate/core/token"
)

// claimsPerMinute bounds the claims of one account.
const claimsPerMinute = 600

// Claim asks for a login to be live, and displaces older ones in the same atomic
// step. It takes two round trips where this node has not met the token and Unmet
// does not say that Redis has not either, else one, and one more for a refreshed
// token. Where the token is known to belong to a
// login already, that one is claimed, whatever Identity says. Repeating a claim
// changes nothing. An observed one must be repeated with the SID that the Result's
// Login has, with an error too: without it the repetition is another login, and
// brings back what was displaced meanwhile.
//
// Errors: ErrTooManyClaims, ErrAccount, and those of Redis.
func (r *Registry) Claim(ctx context.Context, c Claim) (Result, error) {
	hash, err := r.keys.hash(c.Account)
	if err != nil {
		return Result{}, err
	}
	c.Epoch, c.Seq = "", 0
	if c.SID == "" {
		c.SID = newSID(hash)
	}
	failed := Result{Login: c.Login}
	predecessor, err := r.lineage(ctx, &c)
	if err != nil {
		return failed, err
	}
	// Should Redis have forgotten this login, or what it was refreshed from, it is not
	// a new one.
	var calls []call
	if w := r.verdicts.remembered(c.Identity); w != nil && (!c.Observed || w.Status == Dead) {
		calls = append(calls, r.restoreCall(hash, c.Account, w))
	}
	if w := r.verdicts.remembered(predecessor); w != nil {
		calls = append(calls, r.restoreCall(hash, c.Account, w))
	}
	if predecessor.IsZero() {
		calls = append(calls, r.setRoute(&c.Login))
	}
	claim, err := r.claimCall(hash, &c, predecessor)
	if err != nil {
		return failed, err
	}
	replies, err := r.exec(ctx, append(calls, claim))
	if err != nil {
		return failed, err
	}
	for i := range replies[:len(replies)-1] {
		r.hear(replies[i].event)
	}
	res, err := r.claimed(ctx, hash, &c, predecessor, &replies[len(replies)-1])
	if err != nil {
		return failed, err
	}
	return res, nil
}

// lineage corrects the identity where the token is known to belong to a login,
// and else finds the login that it was refreshed from, zero for none.
func (r *Registry) lineage(ctx context.Context, c *Claim) (predecessor Identity, err error) {
	if !c.Unmet {
		l, found, err := r.login(ctx, c.Token)
		if err != nil {
			return Identity{}, err
		}
		if found && l.Account == c.Account {
			c.Identity = l.Identity
			return Identity{}, nil
		}
	}
	if c.Predecessor.IsZero() {
		return Identity{}, nil
	}
	l, found, err := r.login(ctx, c.Predecessor)
	if err != nil || !found || l.Account != c.Account {
		return Identity{}, err
	}
	return l.Identity, nil
}

func (r *Registry) claimCall(hash string, c *Claim, predecessor Identity) (call, error) {
	e, err := json.Marshal(entryOf(&c.Login))
	if err != nil {
		return call{}, fmt.Errorf("session: %w", err)
	}
	life := ""
	if !c.Expires.IsZero() {
		life = strconv.FormatInt(max(0, time.Until(c.Expires).Milliseconds()), 10)
	}
	from := ""
	if !predecessor.IsZero() {
		from = predecessor.String()
	}
	used := r.usedTicket(c)
	p := &r.policy
	return call{r.lua.claim, r.keys.account(hash), []any{
		c.Identity.String(), e, life, from,
		r.rememberMS(), random(), c.Account, hash, r.keys.events, claimsPerMinute,
		p.limit, p.grace.Milliseconds(), used.nonce, used.ends,
		flag(c.Observed), flag(c.ByDevice), flag(p.oldest), flag(p.perDevice), flag(c.Exempt), flag(c.Vacant || p.observed && !c.Observed),
	}}, nil
}

// claimed takes in the reply to a claim.
func (r *Registry) claimed(ctx context.Context, hash string, c *Claim, predecessor Identity, p *reply) (Result, error) {
	if p.status == "busy" {
		return Result{}, ErrTooManyClaims
	}
	res := Result{Outcome: outcomes[p.status], Login: c.Login, Flap: p.more == "flap"}
	if res.Outcome == 0 {
		return Result{}, errReply
	}
	// First: an exempt login that is refused a seat hears of its own end here.
	ended := r.hear(p.event)
	if res.Live() {
		res.Displaced = ended
	}
	w, err := p.view(c.Account, time.Now())
	if err != nil {
		return Result{}, err
	}
	if w == nil { // denied
		res.verdict = Verdict{Account: c.Account, Identity: c.Identity}
		if res.Holders, err = parseHolders(p.more); err != nil {
			return Result{}, err
		}
		if len(res.Holders) > 0 {
			res.Ticket = r.ticketFor(c, p.life)
		}
		return res, nil
	}
	if !predecessor.IsZero() {
		// The token leads to where the claim ended, not to an identity of its own.
		l := c.Login
		l.Identity = w.Identity
		if _, err := r.exec(ctx, []call{r.setRoute(&l)}); err != nil {
			return Result{}, err
		}
	}
	w = r.learn(hash, w, c.Token)
	if w.Status == Dead && res.Live() {
		res.Outcome = OutcomeDead // displaced before this reply was read
	}
	res.verdict = w.verdict()
	res.verdict.apply(&res.Login)
	return res, nil
}

// Link makes another token lead to a login that was claimed, such as a refresh token
// that a backend takes for a credential too. A token that leads somewhere already is
// left there. Errors: those of Redis.
func (r *Registry) Link(ctx context.Context, l Login, fp token.Fingerprint) error {
	l.Token = fp
	_, err := r.exec(ctx, []call{r.setRoute(&l)})
	return err
}

// setRoute writes where a token leads, unless that is known.
func (r *Registry) setRoute(l *Login) call {
	return call{args: []any{"SET", r.keys.token(l.Token), l.Identity.String() + l.Account, "PX", r.routeTTL(l), "NX"}}
}

// routeTTL outlives the login, so that a token which leads to another's identity
// never stands for one of its own.
func (r *Registry) routeTTL(l *Login) int64 {
	ttl := max(r.remember, minLife)
	if !l.Expires.IsZero() {
		ttl = max(ttl, time.Until(l.Expires))
	}
	return ttl.Milliseconds()
}

// minLife is MIN_LIFE of the scripts.
const minLife = 2 * time.Hour

// identityLen is the length of an identity at the head of a token's key.
var identityLen = len(token.Fingerprint{}.String())
