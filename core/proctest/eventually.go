package proctest

import (
	"testing"
	"time"
)

// enough is how often a condition is asked before a wait is given up: on a machine that
// is busy with other things, time passes in which nothing had a chance to happen.
const enough = 20

// Eventually calls cond until it is true, and ends the test with msg when it is
// not within timeout. It polls, at first each millisecond and later each 50 ms:
// where there is an event to wait for, wait for that instead. Where so little runs that
// it comes to ask less than 20 times, it waits for up to three times as long.
func Eventually(tb testing.TB, timeout time.Duration, cond func() bool, msg string) {
	tb.Helper()
	if !Within(timeout, cond) {
		tb.Fatalf("proctest: not within %v: %s", timeout, msg)
	}
}

// Within calls cond as Eventually does, and says whether it became true: for tests
// that fail in a way of their own.
func Within(timeout time.Duration, cond func() bool) bool {
	start := time.Now()
	pause := time.Millisecond
	for asked := 1; !cond(); asked++ {
		if d := time.Since(start); d > timeout && asked >= enough || d > 3*timeout {
			return false
		}
		time.Sleep(pause)
		pause = min(2*pause, 50*time.Millisecond)
	}
	return true
}
