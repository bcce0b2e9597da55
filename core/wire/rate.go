package wire

import "time"

// Verdict is what a Rate says of one command.
type Verdict uint8

const (
	// RateAllowed is a command that may be done.
	RateAllowed Verdict = iota
	// RateLimited is one to refuse.
	RateLimited
	// RateExcessive is ten seconds' worth of refusals, without one second's pause:
	// it should end the socket.
	RateExcessive
)

// Rate bounds the commands of one socket. There is one in every socket, so it is
// three words, and no limiter with a lock. The zero value is ready to use.
type Rate struct {
	// due is when the next command would come at the allowed rate (the generic
	// cell rate algorithm); it may be ahead by as much as a burst is worth.
	due time.Duration
	// refused is when the last refusal was, and excess how many there were
	// without a second's pause.
	refused time.Duration
	excess  int
}

// patience is how many seconds' worth of refusals end the socket.
const patience = 10

// Take judges a command that comes at now, a time since any fixed point.
func (r *Rate) Take(now time.Duration, perSecond, burst int) Verdict {
	each := time.Second / time.Duration(perSecond)
	due := max(r.due, now) + each
	if due-now <= each*time.Duration(burst) {
		r.due = due
		return RateAllowed
	}
	if now-r.refused > time.Second {
		r.excess = 0
	}
	r.refused = now
	if r.excess++; r.excess >= patience*perSecond {
		return RateExcessive
	}
	return RateLimited
}
