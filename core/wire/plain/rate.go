package plain

import "time"

// verdict is what a rate says of one command.
type verdict uint8

const (
	allowed verdict = iota
	limited
	excessive
)

// rate bounds the commands of one socket. There is one in every socket, so it is
// three words, and no limiter with a lock.
type rate struct {
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

// take judges a command that comes at now, a time since any fixed point.
func (r *rate) take(now time.Duration, perSecond, burst int) verdict {
	each := time.Second / time.Duration(perSecond)
	due := max(r.due, now) + each
	if due-now <= each*time.Duration(burst) {
		r.due = due
		return allowed
	}
	if now-r.refused > time.Second {
		r.excess = 0
	}
	r.refused = now
	if r.excess++; r.excess >= patience*perSecond {
		return excessive
	}
	return limited
}
