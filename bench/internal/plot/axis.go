package plot

import (
	"math"
	"strconv"
)

// axis maps values to places on the picture.
type axis struct {
	low, high float64
	from, to  float64
	log       bool
	ticks     []float64
}

// newAxis widens the range to whole ticks.
func newAxis(low, high float64, from, to int, log bool) axis {
	a := axis{from: float64(from), to: float64(to), log: log}
	if log {
		first, last := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
		if last == first {
			last++
		}
		a.low, a.high = first, last
		for e := first; e <= last; e++ {
			a.ticks = append(a.ticks, math.Pow(10, e))
		}
		return a
	}
	if high <= low {
		high = low + 1
	}
	unit := step((high - low) / 5)
	a.low, a.high = low, math.Ceil(high/unit)*unit
	for i := range int(math.Round((a.high-a.low)/unit)) + 1 {
		a.ticks = append(a.ticks, low+float64(i)*unit)
	}
	return a
}

func (a axis) at(v float64) float64 {
	if a.log {
		v = math.Log10(v)
	}
	return a.from + (v-a.low)/(a.high-a.low)*(a.to-a.from)
}

// step is the 1, 2 or 5 times a power of ten that is not below v.
func step(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= v {
			return m * power
		}
	}
	return 10 * power
}

// number is short: 15k, 250, 0.2.
func number(v float64) string {
	if v >= 10000 {
		return strconv.FormatFloat(v/1000, 'f', -1, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
