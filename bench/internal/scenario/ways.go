//go:build linux

package scenario

import (
	"errors"
	"fmt"
	"time"

	"github.com/wsgate/wsgate/bench/internal/crowd"
	"github.com/wsgate/wsgate/bench/internal/machine"
	"github.com/wsgate/wsgate/bench/internal/payload"
	"github.com/wsgate/wsgate/bench/internal/report"
	"github.com/wsgate/wsgate/bench/internal/swarm"
)

// wayRate is what the clients of `ways`, which are dear, can take in.
const wayRate = 20e3

// ways is what the other ways to a browser cost, beside the plain one.
var ways = Scenario{
	Name:    "ways",
	Title:   "1,000 sockets at 20,000 deliveries/s of 1 KiB of JSON, plain, over TLS, compressed, protocol centrifuge",
	Servers: []string{"wsgate", "wsgate-tls", "wsgate-deflate", "wsgate-centrifuge"},
	Columns: []report.Column{
		{Name: "KiB/socket idle", Digits: 1},
		{Name: "CPU µs/connect", Digits: 0},
		{Name: "CPU µs/delivery", Digits: 2},
		{Name: "p50 ms", Digits: 2},
		{Name: "p99 ms", Digits: 2},
		{Name: "bytes/delivery", Digits: 0, Plain: true},
		{Name: "generator CPU %", Plain: true},
		{Name: "other CPU %", Plain: true},
	},
	Run: func(r *Rig) ([]Reading, error) {
		r.Loop.RunFor(r.Rest / 5)
		r.pids = r.Server.Pids()
		empty := machine.Resident(r.pids)
		n := r.sockets(1000)
		r.makeTokens(n)
		m := r.start()
		c, err := r.gather(n)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		connect := per(micros(r.stop(m).server.Total), uint64(n)) //nolint:gosec // a count
		r.Loop.RunFor(r.Rest)
		idle := machine.Resident(r.pids)
		s, got, err := r.toCrowd(c, n)
		if err != nil {
			return nil, err
		}
		return reading(
			float64(idle-empty)/1024/float64(n), connect,
			per(micros(s.server.Total), got.Deliveries),
			millis(got.Latency.Quantile(0.5)), millis(got.Latency.Quantile(0.99)),
			per(float64(got.Bytes), got.Deliveries),
			share(s.generator.Total, s.wall), share(s.other, s.wall),
		), nil
	},
}

// gather connects a crowd and waits until its subscription holds.
func (r *Rig) gather(n int) (*crowd.Crowd, error) {
	way := r.Server.Way
	c := crowd.Connect(n, crowd.Options{
		URL:         func(i int) string { return way.URL + "?token=" + r.tokens[i] },
		Hello:       func(int) []string { return way.Hello },
		Compression: way.Compression,
		Clock:       r.Loop.Clock,
		InFlight:    inFlight,
	})
	opened := r.Loop.RunUntil(2*time.Minute, func() bool { return c.Opened() == n || c.Err() != nil })
	if err := c.Err(); err != nil || !opened {
		c.Close()
		return nil, errors.Join(fmt.Errorf("%d of %d clients connected", c.Opened(), n), err)
	}
	if _, err := r.publish(); err != nil {
		c.Close()
		return nil, err
	}
	for range 40 {
		r.sendProbe(swarm.Everyone)
		r.publisher.Flush()
		if r.Loop.RunUntil(500*time.Millisecond, func() bool { return c.Probed() == n }) {
			return c, nil
		}
	}
	c.Close()
	return nil, fmt.Errorf("the channel reached %d of %d clients", c.Probed(), n)
}

// toCrowd publishes at the rate of ways and measures.
func (r *Rig) toCrowd(c *crowd.Crowd, n int) (sample, crowd.Stats, error) {
	every := int64(float64(n) / wayRate * 1e9)
	next, sent := r.Loop.Clock()+every, uint32(0)
	r.Loop.Tick = func(now int64) {
		for ; next <= now; next += every {
			r.scratch = payload.Append(r.scratch[:0], payload.Message{Kind: payload.Shared, Time: next, Seq: sent})
			r.scratch = append(r.scratch, telemetry(sent)...)
			r.publisher.Publish(swarm.Everyone, r.scratch)
			sent++
		}
		r.publisher.Flush()
	}
	r.Loop.RunFor(r.Warm)
	m := r.start()
	c.Take()
	r.Loop.RunFor(r.Length)
	s, got := r.stop(m), c.Take()
	r.Loop.Tick = nil
	if got.Faults > 0 {
		r.note("%d messages out of order", got.Faults)
	}
	return s, got, c.Err()
}

// telemetry is what brings a payload to 1 KiB: text that compresses as devices' data do.
func telemetry(seq uint32) []byte {
	var b []byte
	x := seq*2654435761 + 1
	for i := 0; len(b) < 1024-payload.Size; i++ {
		x = x*1664525 + 1013904223
		b = fmt.Appendf(b, `{"imei":"86%013d","lat":%d.%06d,"lon":%d.%06d,"speed":%d,"alarm":false},`,
			x, x>>25, x%1000000, x>>26, x/7%1000000, x%120)
	}
	return b[:1024-payload.Size]
}
