//go:build linux

package scenario

import (
	"math"
	"os"
	"time"

	"github.com/wsgate/wsgate/bench/internal/hist"
	"github.com/wsgate/wsgate/bench/internal/machine"
	"github.com/wsgate/wsgate/bench/internal/report"
)

// meter holds the clocks at the beginning of a measurement.
type meter struct {
	at                       int64
	server, redis, generator machine.CPU
	busy                     time.Duration
}

// sample is what happened since.
type sample struct {
	wall                     time.Duration
	server, redis, generator machine.CPU
	other                    time.Duration
	deliveries, reads        uint64
	latency                  hist.Hist
}

func (r *Rig) start() meter {
	r.Swarm.ResetStats()
	return meter{
		at: r.Loop.Clock(), busy: machine.Busy(), server: machine.Processes(r.pids),
		redis: machine.Processes([]int{r.Redis.Pid()}), generator: machine.Processes([]int{os.Getpid()}),
	}
}

func (r *Rig) stop(m meter) sample {
	s := sample{
		wall: time.Duration(r.Loop.Clock() - m.at), server: machine.Processes(r.pids).Sub(m.server),
		redis:      machine.Processes([]int{r.Redis.Pid()}).Sub(m.redis),
		generator:  machine.Processes([]int{os.Getpid()}).Sub(m.generator),
		deliveries: r.Swarm.Stats.Deliveries, reads: r.Swarm.Stats.Reads,
	}
	ours := s.server.Total + s.redis.Total + s.generator.Total
	s.other = max(machine.Busy()-m.busy-ours, 0)
	return s
}

// loadColumns are the figures of every load, in the order of values.
func loadColumns(suffix string, latency bool) []report.Column {
	c := []report.Column{
		{Name: "CPU µs/delivery" + suffix, Digits: 2},
		{Name: "of it user", Digits: 2, Plain: true},
		{Name: "k deliveries/s", Digits: 0},
	}
	if latency {
		c = append(c, report.Column{Name: "p50 ms", Digits: 2}, report.Column{Name: "p99 ms", Digits: 2})
	}
	return append(c,
		report.Column{Name: "payloads/read", Digits: 1, Plain: true},
		report.Column{Name: "server CPU %", Plain: true},
		report.Column{Name: "generator CPU %", Plain: true},
		report.Column{Name: "other CPU %", Plain: true})
}

func (s *sample) values(latency bool) []float64 {
	v := []float64{
		per(micros(s.server.Total), s.deliveries), per(micros(s.server.User), s.deliveries),
		float64(s.deliveries) / s.wall.Seconds() / 1000,
	}
	if latency {
		l := &s.latency
		v = append(v, millis(l.Quantile(0.5)), millis(l.Quantile(0.99)))
	}
	return append(v, per(float64(s.deliveries), s.reads),
		share(s.server.Total, s.wall), share(s.generator.Total, s.wall), share(s.other, s.wall))
}

// settle serves until the server has used next to nothing for a while, so that
// work it put off is counted too.
func (r *Rig) settle(limit time.Duration) {
	const look = 100 * time.Millisecond
	end := r.Loop.Clock() + int64(limit)
	for before := machine.Processes(r.pids); r.Loop.Clock() < end; {
		r.Loop.RunFor(look)
		now := machine.Processes(r.pids)
		if now.Sub(before).Total < look/100 {
			return
		}
		before = now
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func per(v float64, n uint64) float64 {
	if n == 0 {
		return math.NaN()
	}
	return v / float64(n)
}

func share(d, of time.Duration) float64 { return 100 * d.Seconds() / of.Seconds() }
