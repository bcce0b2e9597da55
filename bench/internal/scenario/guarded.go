//go:build linux

package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
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
	Title:   "A plain HTTP request with a known token and a device cookie, 32 connections, 100 logins",
	Servers: []string{"wsgate"},
	Columns: []report.Column{
		{Name: "CPU µs/request", Digits: 1},
		{Name: "more than bare, µs", Digits: 1},
		{Name: "CPU × bare", Digits: 2},
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
		headers, err := r.headers()
		if err != nil {
			return nil, err
		}
		for _, s := range sites {
			if err := s.open(r, headers); err != nil {
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

// headers are those of each login's requests, the same at all sites. A browser sends
// the device cookie that the gate gave it, so each login asks there once.
func (r *Rig) headers() (all []http.Header, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		all, err = r.visit()
	}()
	finished := func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
	if !r.Loop.RunUntil(20*time.Second, finished) { // the backend is in the loop
		return nil, errors.New("the gate gave no device cookies")
	}
	return all, err
}

// visit makes one request for each login.
func (r *Rig) visit() ([]http.Header, error) {
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	all := make([]http.Header, httpLogins)
	for i := range all {
		h := http.Header{"Accept": {"application/json"}, "User-Agent": {"Mozilla/5.0"}, "Authorization": {"Bearer " + r.token(i)}}
		req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", r.Ports.Gate, stub.PagePath), nil)
		if err != nil {
			return nil, err
		}
		req.Header = h.Clone()
		res, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		_ = res.Body.Close()
		if len(res.Cookies()) == 0 {
			return nil, fmt.Errorf("login %d got no device cookie: %s", i, res.Status)
		}
		for _, c := range res.Cookies() {
			h.Add("Cookie", c.Name+"="+c.Value)
		}
		all[i] = h
	}
	return all, nil
}

func (s *site) open(r *Rig, headers []http.Header) error {
	requests := make([][]byte, httpLogins)
	for i := range requests {
		var b bytes.Buffer
		fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n", stub.PagePath, s.port)
		if err := headers[i].Write(&b); err != nil {
			return err
		}
		b.WriteString("\r\n")
		requests[i] = b.Bytes()
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
	profiled := r.profile("cpu", r.Length*time.Duration(len(sites)))
	for i := range httpTurns {
		order := slices.Clone(sites)
		if i%2 == 1 { // there and back: neither follows the same one always
			slices.Reverse(order)
		}
		for _, s := range order {
			s.turn(r, turn)
		}
	}
	r.wait(profiled)
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
			median(s.costs), median(differences(s.costs, sites[0].costs)), median(ratios(s.costs, sites[0].costs)), float64(s.done) / s.wall.Seconds(),
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

func ratios(a, b []float64) []float64 {
	r := make([]float64, len(a))
	for i := range a {
		r[i] = a[i] / b[i]
	}
	return r
}

func median(s []float64) float64 {
	s = slices.Sorted(slices.Values(s))
	return report.Median(s)
}
