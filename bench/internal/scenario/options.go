//go:build linux

package scenario

import "time"

// Options are the sizes and times of a run.
type Options struct {
	// Sockets overrides the scenario's own number where not zero.
	Sockets int
	// Profile, where not empty, is a folder for profiles of the server, where it
	// can tell them. A profile costs a few percent: don't publish such figures.
	Profile string
	// Warm is how long a load runs before it is measured.
	Warm time.Duration
	// Length is how long it is measured.
	Length time.Duration
	// Rest is how long memory settles before it is read.
	Rest time.Duration
	// Idle is how long idle sockets are watched; more than one ping interval.
	Idle time.Duration
	// Rates are the deliveries a second of `load`.
	Rates []float64
	// Sizes are the numbers of sockets of `scale`.
	Sizes []int
}

// Full are the options that the published figures are measured with.
func Full() Options {
	return Options{
		Warm: 2 * time.Second, Length: 6 * time.Second, Rest: 10 * time.Second, Idle: 60 * time.Second,
		Rates: []float64{10e3, 25e3, 50e3, 100e3, 150e3, 200e3, 250e3},
		Sizes: []int{1000, 2500, 5000, 10000, 15000},
	}
}

// Brief are for a machine or an hour that is not one's own: shorter, and with fewer
// points in the plots. Rows remain comparable with each other.
func Brief() Options {
	return Options{
		Warm: time.Second, Length: 3 * time.Second, Rest: 8 * time.Second, Idle: 30 * time.Second,
		Rates: []float64{10e3, 50e3, 100e3, 150e3, 200e3},
		Sizes: []int{1000, 5000, 10000, 15000},
	}
}

// Quick only shows that everything works. Its figures mean nothing.
func Quick() Options {
	return Options{
		Sockets: 50,
		Warm:    50 * time.Millisecond, Length: 200 * time.Millisecond,
		Rest: 100 * time.Millisecond, Idle: 200 * time.Millisecond,
		Rates: []float64{1000, 5000}, Sizes: []int{20, 50},
	}
}

func (o Options) sockets(usual int) int {
	if o.Sockets > 0 {
		return o.Sockets
	}
	return usual
}
