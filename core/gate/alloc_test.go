//go:build !race

package gate

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// The race detector's sync.Pool drops at random, so budgets hold without it only.

func TestAllocationsOfAVerdict(t *testing.T) {
	n, r := known(t)
	for name, judge := range map[string]func(){"known": n.judgement(t, r), "familiar": n.familiarJudgement(t, r)} {
		n.stayKnown(t, 0, r)
		if got := testing.AllocsPerRun(200, judge); got != 0 {
			t.Errorf("%v allocations to judge a %s request", got, name)
		}
	}
}

func TestAllocationsOfTheGuard(t *testing.T) {
	n, r := known(t)
	n.stayKnown(t, 0, r)
	w, passed := httptest.NewRecorder(), 0
	next := func(http.ResponseWriter, *http.Request) error { passed++; return nil }
	got := testing.AllocsPerRun(200, func() {
		if err := n.site.ServeHTTP(w, r, next); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 || passed != 201 || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("%v allocations to let a known browser's request pass; %d passed", got, passed)
	}
}
