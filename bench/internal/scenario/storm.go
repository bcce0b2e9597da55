//go:build linux

package scenario

import (
	"time"

	"github.com/wsgate/wsgate/bench/internal/report"
	"github.com/wsgate/wsgate/bench/internal/swarm"
)

var storm = Scenario{
	Name:    "storm",
	Title:   "5,000 sockets connect, 128 at a time, each authorized by a call",
	Servers: everyone,
	Columns: []report.Column{
		{Name: "sockets/s", Digits: 0},
		{Name: "CPU µs/socket", Digits: 0},
		{Name: "of it user", Digits: 0, Plain: true},
		{Name: "p99 ms", Digits: 0},
		{Name: "calls/socket", Digits: 2, Plain: true},
		{Name: "Redis µs/socket", Digits: 0, Plain: true},
		{Name: "generator CPU %", Plain: true},
		{Name: "other CPU %", Plain: true},
	},
	Run: func(r *Rig) ([]Reading, error) {
		// A few hundred first, whose logins are others: code and connections warm.
		if err := r.connect(r.sockets(500) / 2); err != nil {
			return nil, err
		}
		r.Swarm.Close()
		r.renew("storm")
		r.Swarm = swarm.New(r.Loop, r.Server.Port, r.Server.Dialect)
		n := r.sockets(5000)
		r.makeTokens(n)
		r.settle(5 * time.Second)

		calls, m := r.Stub.Introspections, r.start()
		profiled := r.profile("cpu", r.Length)
		if err := r.connect(n); err != nil {
			return nil, err
		}
		wall := time.Duration(r.Swarm.LastOpen() - m.at)
		busy := r.stop(m)
		r.settle(5 * time.Second)
		total := r.stop(m)
		r.wait(profiled)
		opened := uint64(r.Swarm.Len())
		return reading(
			float64(opened)/wall.Seconds(),
			per(micros(total.server.Total), opened), per(micros(total.server.User), opened),
			millis(r.Swarm.Handshakes.Quantile(0.99)),
			per(float64(r.Stub.Introspections-calls), opened), per(micros(total.redis.Total), opened),
			share(busy.generator.Total, busy.wall), share(busy.other, busy.wall),
		), nil
	},
}
