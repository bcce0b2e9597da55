package proctest

import (
	"testing"
	"time"
)

// Eventually calls cond until it is true, and ends the test with msg when it is
// not within timeout. It polls, at first each millisecond and later each 50 ms:
// where there is an event to wait for, wait for that instead.
func Eventually(tb testing.TB, timeout time.Duration, cond func() bool, msg string) {
	tb.Helper()
	if !Within(timeout, cond) {
		tb.Fatalf("proctest: not within %v: %s", timeout, msg)
	}
}

// Within calls cond as Eventually does, and says whether it became true: for tests
// that fail in a way of their own.
func Within(timeout time.Duration, cond func() bool) bool {
	deadline := time.Now().Add(timeout)
	for pause := time.Millisecond; !cond(); pause = min(2*pause, 50*time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
	return true
}
