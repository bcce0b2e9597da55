//go:build linux

package scenario

import (
	"fmt"
	"os"
	"time"

	"github.com/wsgate/wsgate/bench/internal/eventloop"
	"github.com/wsgate/wsgate/bench/internal/peer"
	"github.com/wsgate/wsgate/bench/internal/publish"
	"github.com/wsgate/wsgate/bench/internal/stub"
	"github.com/wsgate/wsgate/bench/internal/swarm"
)

// inFlight is how many sockets connect at a time.
const inFlight = 128

// Rig is one repetition: a server that was just started, a Redis and a backend
// of its own, and the clients.
type Rig struct {
	Options
	Loop   *eventloop.Loop
	Server *peer.Server
	Ports  peer.Ports // of the sites beside the gate's, where the server is Caddy
	Redis  *peer.Redis
	Stub   *stub.Server
	Swarm  *swarm.Swarm
	Notes  []string

	publisher  publish.Publisher
	tokens     []string
	run        string
	dir        string
	profiles   int // taken so far
	logins     int // rounds of displace so far
	nextShared uint32
	nextOwn    []uint32
	due        uint64 // deliveries that what was published must make
	scratch    []byte
	pids       []int
}

// Place is where a rig is built.
type Place struct {
	Root, Bin           string
	ServerCPU, OtherCPU int
}

// Build starts Redis, the backend and the server.
func Build(l *eventloop.Loop, p Place, name, run string, o Options) (*Rig, error) {
	dir, err := os.MkdirTemp("", "wsgate-bench-")
	if err != nil {
		return nil, err
	}
	r := &Rig{Options: o, Loop: l, run: run, dir: dir}
	if r.Stub, err = stub.Start(l); err != nil {
		r.Close()
		return nil, err
	}
	e := peer.Env{
		Loop: l, Root: p.Root, Bin: p.Bin, Dir: dir, CPU: p.OtherCPU, StubPort: r.Stub.Port, Token: r.token,
		Profile: o.Profile != "",
	}
	if r.Redis, err = peer.StartRedis(e); err != nil {
		r.Close()
		return nil, err
	}
	e.RedisPort, e.CPU = r.Redis.Port, p.ServerCPU
	if r.Server, r.Ports, err = start(name, e); err != nil {
		r.Close()
		return nil, err
	}
	r.Swarm = swarm.New(l, r.Server.Port, r.Server.Dialect)
	return r, nil
}

func start(name string, e peer.Env) (*peer.Server, peer.Ports, error) {
	if name == "wsgate" {
		s, ports, err := peer.StartCaddy(e)
		if err != nil {
			return nil, ports, fmt.Errorf("peer: wsgate: %w", err)
		}
		return s, ports, nil
	}
	s, err := peer.Start(name, e)
	return s, peer.Ports{}, err
}

// Close ends all that Build started, whatever of it was.
func (r *Rig) Close() {
	r.Loop.Tick = nil
	if r.publisher != nil {
		r.publisher.Close()
	}
	if r.Swarm != nil {
		r.Swarm.Close()
	}
	if r.Server != nil {
		r.Server.Stop()
	}
	if r.Redis != nil {
		r.Redis.Stop()
	}
	if r.Stub != nil {
		r.Stub.Close()
	}
	_ = os.RemoveAll(r.dir)
}

// token makes socket i's, once: a signature costs as much as a connection.
func (r *Rig) token(i int) string {
	if i >= len(r.tokens) {
		r.makeTokens(i + 1)
	}
	return r.tokens[i]
}

func (r *Rig) makeTokens(n int) {
	for i := len(r.tokens); i < n; i++ {
		r.tokens = append(r.tokens, stub.Token(r.run, i))
	}
}

// renew gives the sockets that connect from now on logins nobody has seen.
func (r *Rig) renew(run string) {
	r.run += run
	r.tokens = r.tokens[:0]
}

// connect opens n sockets and notes those that failed.
func (r *Rig) connect(n int) error {
	all := r.Swarm.Len() + n
	r.makeTokens(all)
	r.Swarm.NextShared = r.nextShared
	r.Swarm.Connect(n, inFlight, time.Minute)
	if failed := all - r.Swarm.Len(); failed > 0 {
		r.note("%d of %d sockets did not open: %s", failed, n, r.Swarm.Faults.Unexpected)
	}
	if r.Swarm.Len() == 0 {
		return fmt.Errorf("no socket opened: %s; the server's last words: %s", r.Swarm.Faults.Unexpected, r.Server.LastWords())
	}
	r.pids = r.Server.Pids()
	r.nextOwn = make([]uint32, all)
	r.Swarm.ResetStats()
	return nil
}

// publish opens the publisher when it is first needed.
func (r *Rig) publish() (publish.Publisher, error) {
	if r.publisher != nil {
		return r.publisher, nil
	}
	p, err := r.Server.Publisher()
	if err != nil {
		return nil, err
	}
	r.publisher = p
	return p, nil
}

func (r *Rig) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}
