//go:build linux

package scenario

import (
	"strconv"

	"github.com/wsgate/wsgate/bench/internal/machine"
	"github.com/wsgate/wsgate/bench/internal/report"
)

var memory = Scenario{
	Name:    "memory",
	Title:   "Resident memory, 10,000 sockets with own and shared channel",
	Servers: everyone,
	Columns: []report.Column{
		{Name: "KiB/socket idle", Digits: 1},
		{Name: "after 4 messages each", Digits: 1},
		{Name: "MiB then", Digits: 0, Plain: true},
		{Name: "MiB empty", Digits: 0, Plain: true},
	},
	Run: func(r *Rig) ([]Reading, error) {
		n := r.sockets(10000)
		r.Loop.RunFor(r.Rest / 5)
		empty := machine.Resident(r.Server.Pids())
		if err := r.connect(n); err != nil {
			return nil, err
		}
		r.Loop.RunFor(r.Rest)
		idle := machine.Resident(r.pids)
		r.wait(r.profile("heap", 0))
		if err := r.traffic(); err != nil {
			return nil, err
		}
		r.Loop.RunFor(r.Rest)
		used := machine.Resident(r.pids)
		each := func(bytes int64) float64 { return float64(bytes-empty) / 1024 / float64(r.Swarm.Len()) }
		return reading(each(idle), each(used), mib(used), mib(empty)), nil
	},
}

// traffic is three broadcasts and one message to each socket's own channel.
func (r *Rig) traffic() error {
	if err := r.reach(true); err != nil {
		return err
	}
	for range 2 {
		r.sendShared(r.Loop.Clock())
		r.drain()
	}
	return nil
}

// idle is what sockets cost that do nothing but answer pings.
var idle = Scenario{
	Name:    "idle",
	Title:   "CPU of 10,000 idle sockets",
	Servers: everyone,
	Columns: []report.Column{
		{Name: "% of a core", Digits: 2},
		{Name: "Redis, % of a core", Digits: 2, Plain: true},
		{Name: "other CPU %", Plain: true},
	},
	Run: func(r *Rig) ([]Reading, error) {
		if err := r.connect(r.sockets(10000)); err != nil {
			return nil, err
		}
		r.Loop.RunFor(r.Rest)
		m := r.start()
		profiled := r.profile("cpu", r.Idle)
		r.Loop.RunFor(r.Idle)
		s := r.stop(m)
		r.wait(profiled)
		if f := r.Swarm.Faults.String(); f != "" {
			r.note("%s", f)
		}
		return reading(share(s.server.Total, s.wall), share(s.redis.Total, s.wall), share(s.other, s.wall)), nil
	},
}

// scale is memory and the cost of a delivery against the number of sockets.
var scale = Scenario{
	Name:    "scale",
	Title:   "Cost against sockets, 100,000 deliveries/s",
	Servers: []string{"floor", "wsgate", "naive", "nchan"},
	Columns: append([]report.Column{{Name: "KiB/socket idle", Digits: 1}}, loadColumns("", true)...),
	Run: func(r *Rig) ([]Reading, error) {
		empty := machine.Resident(r.Server.Pids())
		var all []Reading
		for _, n := range r.Sizes {
			if err := r.connect(n - r.Swarm.Len()); err != nil {
				return all, err
			}
			r.Loop.RunFor(r.Rest / 2)
			idle := machine.Resident(r.pids)
			if err := r.reach(false); err != nil {
				return all, err
			}
			s := r.atRate(100e3)
			each := float64(idle-empty) / 1024 / float64(r.Swarm.Len())
			all = append(all, Reading{Row: label(n), Values: append([]float64{each}, s.values(true)...)})
		}
		return all, nil
	},
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// label is how rows that differ by a number are named.
func label(n int) string { return "@" + strconv.Itoa(n) }
