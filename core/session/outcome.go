package session

import "errors"

// ErrTooManyClaims: the account made more claims in a minute than it may.
var ErrTooManyClaims = errors.New("session: too many claims of this account in a minute")

// Outcome is what became of a claim.
type Outcome uint8

// The outcomes.
const (
	// OutcomeLive: admitted, as the newest login of the account.
	OutcomeLive Outcome = iota + 1
	// OutcomeSame: live already.
	OutcomeSame
	// OutcomeRotated: live already, under a token before this one.
	OutcomeRotated
	// OutcomeStale: older, at the backend, than the live login; now dead.
	OutcomeStale
	// OutcomeDenied: the oldest logins win and hold all seats, or the account has all
	// the tombstones that it may have.
	OutcomeDenied
	// OutcomeDead: ended before, and this claim begins no new generation.
	OutcomeDead
)

// outcomes are the statuses of claim.lua.
var outcomes = map[string]Outcome{
	"live": OutcomeLive, "same": OutcomeSame, "rotated": OutcomeRotated,
	"stale": OutcomeStale, "denied": OutcomeDenied, "dead": OutcomeDead,
}

// String yields the outcome's name in lower case.
func (o Outcome) String() string {
	for name, v := range outcomes {
		if v == o {
			return name
		}
	}
	return "none"
}

// Result is the answer to a claim.
type Result struct {
	Outcome Outcome
	// Login is the claimed one; where it is live, with what was given at
	// admission, and with the identity of the login that a refreshed token
	// belongs to.
	Login Login
	// Displaced are the logins that ended for this one. A retry tells of none.
	Displaced []Verdict
	// Holders are those in the way of a denied login, at most 8. None: what is in
	// the way is the number of tombstones.
	Holders []Holder
	// Ticket lets the denied login take a seat over: once, within a minute, from the
	// same browser, as Claim.Takeover. "": none is to be had.
	Ticket string
	// Flap says that this client came back for the third time in a minute after it
	// had been displaced, and was refused.
	Flap bool

	verdict Verdict
}

// Live says whether the login is live now.
func (r *Result) Live() bool {
	return r.Outcome == OutcomeLive || r.Outcome == OutcomeSame || r.Outcome == OutcomeRotated
}

// Verdict is what the claim says of the login. It is Unknown with OutcomeDenied.
func (r *Result) Verdict() Verdict { return r.verdict }
