package hub

import (
	"runtime/debug"
	"sync/atomic"
	"time"
)

const (
	// stormSize is how many sockets come or go in a storm.
	stormSize = 1000
	// stormRate is how many a second are still part of one.
	stormRate = 20
	// stormCalm is for how many seconds there are fewer when it is over.
	stormCalm = 4
	// giveBackEvery bounds what collecting costs a process, whatever its hubs see.
	giveBackEvery = 15 * time.Second
)

// storm notices that many sockets have come or gone, and that it is over. What their
// handshakes used lies about then, until Go's collector runs for another reason, which
// may be minutes later.
type storm struct {
	due   time.Time // of the next look
	open  int       // sockets at the last one
	moved int
	calm  int // seconds
}

// over says whether a storm has just ended. It looks once a second.
func (st *storm) over(open int, now time.Time) bool {
	if now.Before(st.due) {
		return false
	}
	st.due = now.Add(time.Second)
	moved := max(open-st.open, st.open-open)
	st.open = open
	st.moved += moved
	if moved > stormRate {
		st.calm = 0
		return false
	}
	if st.calm++; st.calm < stormCalm {
		return false
	}
	big := st.moved >= stormSize
	st.calm, st.moved = 0, 0
	return big
}

var gaveBack atomic.Int64 // when it was, in Unix nanoseconds

// giveBack collects what a storm left, and gives it back to the system.
func giveBack(now time.Time) {
	last := gaveBack.Load()
	if now.UnixNano()-last < int64(giveBackEvery) || !gaveBack.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	debug.FreeOSMemory()
}
