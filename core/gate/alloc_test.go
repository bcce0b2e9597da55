//go:build !race

package gate

import "testing"

// The race detector's sync.Pool drops at random, so budgets hold without it only.

func TestAllocationsOfAVerdict(t *testing.T) {
	n, r := known(t)
	judge := n.judgement(t, r)
	n.stayKnown(t, 0, r)
	if got := testing.AllocsPerRun(200, judge); got != 0 {
		t.Errorf("%v allocations to judge a request of a known login", got)
	}
}
