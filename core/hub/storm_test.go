package hub

import (
	"runtime"
	"testing"
	"time"
)

func TestStormIsOverOnce(t *testing.T) {
	t.Parallel()
	steady := func(open, seconds int) (all []int) {
		for range seconds {
			all = append(all, open)
		}
		return all
	}
	ramp := func(from, to, step int) (all []int) {
		for ; from < to; from += step {
			all = append(all, from)
		}
		return append(all, to)
	}
	join := func(parts ...[]int) (all []int) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for name, c := range map[string]struct {
		open []int // each second
		want int
	}{
		"nobody":               {steady(0, 60), 0},
		"many come":            {join([]int{0, 5000}, steady(5000, 60)), 1},
		"many come in a while": {join(ramp(0, 5000, 100), steady(5000, 60)), 1},
		"they go":              {join([]int{0, 5000}, steady(5000, 10), ramp(0, 5000, 5000)[:1], steady(0, 60)), 2},
		"few":                  {join([]int{0, stormSize - 1}, steady(stormSize-1, 60)), 0},
		"a trickle":            {ramp(0, 5000, stormRate), 0},
		"no end yet":           {ramp(0, 50_000, 2*stormRate), 0},
		"a breath":             {join([]int{0, 2000}, steady(2000, stormCalm-1), ramp(2100, 4000, 100), steady(4000, 10)), 1},
	} {
		var st storm
		now, got := time.Now(), 0
		for _, open := range c.open {
			for range 4 { // of the wheel's ticks
				if st.over(open, now) {
					got++
				}
				now = now.Add(tick)
			}
		}
		if got != c.want {
			t.Errorf("%s: over %d times, want %d", name, got, c.want)
		}
	}
}

func TestMemoryIsGivenBackNotTooOften(t *testing.T) {
	forced := func() uint32 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.NumForcedGC
	}
	gaveBack.Store(0)
	before, now := forced(), time.Now()
	giveBack(now)
	giveBack(now.Add(giveBackEvery - 1))
	if got := forced() - before; got != 1 {
		t.Errorf("collected %d times within %v", got, giveBackEvery)
	}
	giveBack(now.Add(giveBackEvery))
	if got := forced() - before; got != 2 {
		t.Errorf("collected %d times in all", got)
	}
}
