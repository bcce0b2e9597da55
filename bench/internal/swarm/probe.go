//go:build linux

package swarm

// Everyone is the target of a probe of the shared channel.
const Everyone = ^uint32(0)

// probed notes that a channel reaches a socket. Servers that acknowledge
// nothing leave no other way to know that a subscription is in force.
func (w *Swarm) probed(s *socket, target uint32) {
	switch {
	case target == Everyone:
		if !s.gotShared {
			s.gotShared = true
			w.probes.shared++
		}
	case target != s.index:
		w.Faults.Misrouted++
	case !s.gotOwn:
		s.gotOwn = true
		w.probes.own++
	}
}

// SharedReached is how many sockets have got a probe of the shared channel.
func (w *Swarm) SharedReached() int { return w.probes.shared }

// OwnReached is how many sockets have got a probe of their own channel.
func (w *Swarm) OwnReached() int { return w.probes.own }

// NextUnreached is the first ready socket from index on whose own channel no
// probe has reached, or -1.
func (w *Swarm) NextUnreached(index int) int {
	for i := index; i < len(w.sockets); i++ {
		if s := w.sockets[i]; s.state == ready && !s.gotOwn {
			return i
		}
	}
	return -1
}

// Ready says whether socket i can be published to.
func (w *Swarm) Ready(i int) bool { return w.sockets[i].state == ready && !w.sockets[i].paused }
