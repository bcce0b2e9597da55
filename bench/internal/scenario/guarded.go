//go:build linux

package scenario

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wsgate/wsgate/bench/internal/httpload"
	"github.com/wsgate/wsgate/bench/internal/report"
	"github.com/wsgate/wsgate/bench/internal/stub"
)

// guarded compares three sites of one Caddy with one backend: bare
// reverse_proxy, the gate before it, and forward_auth before it. They take
// turns of a fraction of a second, so that whatever else the machine does hits
// all of them, and the gate's price is the median of differences between
// neighbouring turns.
var guarded = Scenario{
	Name:    "http",
	Title:   "A plain HTTP request with a known token, 32 connections, 100 logins",
	Servers: []string{"wsgate"},
	Columns: []report.Column{
		{Name: "CPU µs/request", Digits: 1},
		{Name: "more than bare, µs", Digits: 1},
		{Name: "requests/s", Digits: 0},
		{Name: "p50 ms", Digits: 2},
		{Name: "p99 ms", Digits: 2},
		{Name: "calls/request", Digits: 3, Plain: true},
		{Name: "other CPU %", Plain: true},
	},
	Run: func(r *Rig) ([]Reading, error) {
		if r.Ports.Bare == 0 {
			return nil, errors.New("only wsgate serves plain HTTP here")
		}
		sites := []*site{
			{name: " bare", port: r.Ports.Bare},
			{name: " guarded", port: r.Ports.Gate},
			{name: " forward_auth", port: r.Ports.ForwardAuth},
		}
		for _, s := range sites {
			if err := s.open(r); err != nil {
				return nil, err
			}
		}
		defer func() {
			for _, s := range sites {
				s.load.Close()
			}
		}()
		return r.takeTurns(sites)
	},
}

const (
	httpConns  = 32
	httpLogins = 100
	httpTurns  = 16
)

// site is one of the three, and what its turns measured.
type site struct {
	name  string
	port  int
	load  *httpload.Load
	costs []float64 // µs a request, by turn
	done  uint64
	wall  time.Duration
	calls int
	other time.Duration
}

func (s *site) open(r *Rig) error {
	requests := make([][]byte, httpLogins)
	for i := range requests {
		requests[i] = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: application/json\r\n"+
			"User-Agent: Mozilla/5.0\r\nAuthorization: Bearer %s\r\n\r\n", stub.PagePath, s.port, r.token(i))
	}
	var err error
	s.load, err = httpload.Open(r.Loop, s.port, httpConns, func(dst []byte, n uint64) []byte {
		return append(dst, requests[n%httpLogins]...)
	})
	return err
}

func (r *Rig) takeTurns(sites []*site) ([]Reading, error) {
	r.pids = r.Server.Pids()
	for _, s := range sites {
		s.turn(r, r.Warm)
		s.costs, s.done, s.wall, s.calls, s.other = nil, 0, 0, 0, 0
		s.load.Latency.Reset()
	}
	turn := r.Length / httpTurns
	for i := range httpTurns {
		order := slices.Clone(sites)
		if i%2 == 1 { // there and back: neither follows the same one always
			slices.Reverse(order)
		}
		for _, s := range order {
			s.turn(r, turn)
		}
	}
	var all []Reading
	for _, s := range sites {
		if s.done == 0 {
			return nil, fmt.Errorf("%s answered nothing", s.name)
		}
		if s.load.Refused > 0 {
			r.note("%s refused %d requests", s.name, s.load.Refused)
		}
		l := &s.load.Latency
		all = append(all, Reading{Row: s.name, Values: []float64{
			median(s.costs), median(differences(s.costs, sites[0].costs)), float64(s.done) / s.wall.Seconds(),
			millis(l.Quantile(0.5)), millis(l.Quantile(0.99)),
			per(float64(s.calls), s.done), share(s.other, s.wall),
		}})
	}
	return all, nil
}

// turn runs one site's load alone, until its last answer.
func (s *site) turn(r *Rig, length time.Duration) {
	done, calls, m := s.load.Done, r.Stub.Introspections, r.start()
	s.load.Start()
	r.Loop.RunFor(length)
	s.load.Stop()
	if !r.Loop.RunUntil(5*time.Second, s.load.Quiet) {
		r.note("%s left requests unanswered", s.name)
	}
	after := r.stop(m)
	n := s.load.Done - done
	s.costs = append(s.costs, per(micros(after.server.Total), n))
	s.done += n
	s.wall += after.wall
	s.other += after.other
	s.calls += r.Stub.Introspections - calls
}

func differences(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d
}

func median(s []float64) float64 {
	s = slices.Sorted(slices.Values(s))
	return report.Median(s)
}
