package pubsub

import "time"

// silence finds out that nothing comes from the server any more: first it asks for a
// ping, then it gives up. It is looked at by a ticker of half the ping interval.
type silence struct {
	ping, pong time.Duration

	steps uint64    // of the reader when it was last seen to move
	since time.Time // when that was
	asked time.Time // when the ping was asked for; zero while none is out
}

// verdict is what look found.
type verdict uint8

const (
	silenceNone verdict = iota
	silenceNew          // long enough for a ping
	silenceDead         // the ping was not answered
)

// look compares the reader's steps with those of the last look. An even number means
// that it isn't waiting for the server but for its own handler.
func (s *silence) look(now time.Time, steps uint64) verdict {
	if steps != s.steps || steps%2 == 0 || s.since.IsZero() {
		s.steps, s.since, s.asked = steps, now, time.Time{}
		return silenceNone
	}
	switch {
	case s.asked.IsZero() && now.Sub(s.since) >= s.ping:
		s.asked = now
		return silenceNew
	case !s.asked.IsZero() && now.Sub(s.asked) >= s.pong:
		return silenceDead
	}
	return silenceNone
}
