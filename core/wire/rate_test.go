package wire

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		perSecond int           // of the limit
		every     time.Duration // of the client
		burst     int           // commands before that, at once
		allowed   int           // of the burst
		ends      time.Duration // when it is too much, 0 never
	}{
		"slow":                {50, 100 * time.Millisecond, 0, 0, 0},
		"at the limit":        {50, 20 * time.Millisecond, 50, 50, 0},
		"a burst, then slow":  {50, 100 * time.Millisecond, 400, 50, 0},
		"a giant burst":       {50, time.Hour, 600, 50, time.Nanosecond},
		"a fifth too fast":    {50, time.Second / 60, 0, 0, 50 * time.Second},
		"ten times too fast":  {50, time.Second / 500, 0, 0, 1200 * time.Millisecond},
		"one a second":        {1, 2 * time.Second, 3, 1, 0},
		"a thousand a second": {1000, time.Millisecond, 1000, 1000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r Rate
			now, n := time.Hour, 0
			ends := time.Duration(0)
			for range c.burst {
				switch r.Take(now, c.perSecond, c.perSecond) {
				case RateAllowed:
					n++
				case RateExcessive:
					ends = time.Nanosecond
				}
			}
			if n != c.allowed {
				t.Errorf("%d of %d at once were allowed, want %d", n, c.burst, c.allowed)
			}
			for begin := now; ends == 0 && now < begin+2*time.Minute; now += c.every {
				if r.Take(now, c.perSecond, c.perSecond) == RateExcessive {
					ends = now - begin
				}
			}
			if ends < c.ends*8/10 || ends > c.ends*13/10 {
				t.Errorf("ended after %v, want %v", ends, c.ends)
			}
		})
	}
}

// However commands come, no window of time has more than the rate and one burst.
func TestRateBound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		per := rapid.IntRange(1, 1000).Draw(t, "rate")
		burst := rapid.IntRange(1, 1000).Draw(t, "burst")
		gaps := rapid.SliceOfN(rapid.IntRange(0, int(2*time.Second)), 1, 300).Draw(t, "gaps")
		var r Rate
		var times []time.Duration
		now := time.Duration(0)
		for _, g := range gaps {
			if now += time.Duration(g); r.Take(now, per, burst) == RateAllowed {
				times = append(times, now)
			}
		}
		for i := range times {
			for j := i; j < len(times); j++ {
				if n, most := j-i+1, float64(burst)+float64(per)*(times[j]-times[i]).Seconds(); float64(n) > most*1.001 {
					t.Fatalf("%d in %v at %d a second", n, times[j]-times[i], per)
				}
			}
		}
	})
}
