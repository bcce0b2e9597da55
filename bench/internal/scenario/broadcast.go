//go:build linux

package scenario

import "fmt"

const subscribers = 5000

var broadcast = Scenario{
	Name:    "broadcast",
	Title:   "One channel, 5,000 sockets, a fixed rate",
	Servers: everyone,
	Columns: append(loadColumns(" @50k/s", true), loadColumns(" @100k/s", true)...),
	Run: func(r *Rig) ([]Reading, error) {
		if err := r.subscribe(subscribers, false); err != nil {
			return nil, err
		}
		if r.Server.Most > 0 {
			s := r.atRate(r.Server.Most)
			return []Reading{{Row: fmt.Sprintf(" (at %.0fk/s)", r.Server.Most/1000), Values: s.values(true)}}, nil
		}
		var values []float64
		for _, rate := range []float64{50e3, 100e3} {
			s := r.atRate(rate)
			values = append(values, s.values(true)...)
		}
		return reading(values...), nil
	},
}

var saturation = Scenario{
	Name:    "saturation",
	Title:   "One channel, 5,000 sockets, 2 and 64 messages outstanding",
	Servers: merging,
	Columns: append(loadColumns(" W=2", false), loadColumns(" W=64", false)...),
	Run: func(r *Rig) ([]Reading, error) {
		if err := r.subscribe(subscribers, false); err != nil {
			return nil, err
		}
		var values []float64
		for _, outstanding := range []int{2, 64} {
			s := r.saturated(outstanding)
			values = append(values, s.values(false)...)
		}
		return reading(values...), nil
	},
}

var own = Scenario{
	Name:    "own",
	Title:   "5,000 sockets, each its own channel, 2,000 messages outstanding",
	Servers: merging,
	Columns: loadColumns("", true),
	Run: func(r *Rig) ([]Reading, error) {
		if err := r.subscribe(subscribers, true); err != nil {
			return nil, err
		}
		s := r.ownSaturated(min(2000, r.Swarm.Len()))
		return reading(s.values(true)...), nil
	},
}

// load is the latency at several rates.
var load = Scenario{
	Name:    "load",
	Title:   "Latency against load, 5,000 sockets",
	Servers: quick,
	Columns: loadColumns("", true),
	Run: func(r *Rig) ([]Reading, error) {
		if err := r.subscribe(subscribers, false); err != nil {
			return nil, err
		}
		var all []Reading
		for _, rate := range r.Rates {
			s := r.atRate(rate)
			all = append(all, Reading{Row: label(int(rate)), Values: s.values(true)})
			// Beyond what it can do a server only queues: the next would wait for it.
			if float64(s.deliveries)/s.wall.Seconds() < 0.9*rate {
				break
			}
		}
		return all, nil
	},
}

// subscribe connects sockets and waits until every subscription holds.
func (r *Rig) subscribe(usual int, own bool) error {
	if err := r.connect(r.sockets(usual)); err != nil {
		return err
	}
	return r.reach(own)
}
