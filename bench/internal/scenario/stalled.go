//go:build linux

package scenario

import (
	"github.com/wsgate/wsgate/bench/internal/machine"
	"github.com/wsgate/wsgate/bench/internal/report"
)

// stalled floods 5,000 sockets of which a fifth have stopped reading. A stalled
// socket may cost memory up to its queue; it must not cost the others time.
var stalled = Scenario{
	Name:    "stalled",
	Title:   "5,000 sockets at 100,000 deliveries/s, 1,000 of which stop reading",
	Servers: []string{"floor", "wsgate", "naive"},
	Columns: []report.Column{
		{Name: "p99 ms before", Digits: 2},
		{Name: "p99 ms with stalled", Digits: 2},
		{Name: "CPU µs/delivery before", Digits: 2},
		{Name: "with stalled", Digits: 2},
		{Name: "MiB more", Digits: 0, Plain: true},
	},
	Run: func(r *Rig) ([]Reading, error) {
		if err := r.subscribe(subscribers, false); err != nil {
			return nil, err
		}
		before := r.atRate(100e3)
		empty := machine.Resident(r.pids)
		r.Swarm.Pause(r.Swarm.Len() / 5)
		with := r.atRate(100e3)
		more := machine.Resident(r.pids) - empty
		cost := func(s sample) float64 { return per(micros(s.server.Total), s.deliveries) }
		p99 := func(s sample) float64 { return millis(s.latency.Quantile(0.99)) }
		return reading(p99(before), p99(with), cost(before), cost(with), mib(more)), nil
	},
}
