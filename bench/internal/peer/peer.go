//go:build linux

package peer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/wsgate/wsgate/bench/internal/eventloop"
	"github.com/wsgate/wsgate/bench/internal/machine"
	"github.com/wsgate/wsgate/bench/internal/publish"
	"github.com/wsgate/wsgate/bench/internal/swarm"
)

// ErrMissing says that a peer's programs are not here.
var ErrMissing = errors.New("not installed (make -C bench peers)")

// errNotBuilt says that one of this module's own servers is not there.
var errNotBuilt = errors.New("does not compile")

// Env is what a server is started with.
type Env struct {
	Loop      *eventloop.Loop
	Root      string // the module's folder
	Bin       string // where Build put the binaries
	Dir       string // a folder of the server's own, for logs and configuration
	RedisPort int
	StubPort  int
	Profile   bool             // the server shall serve profiles, if it can
	CPU       int              // the server's CPU; negative: any
	Token     func(int) string // of socket i
}

// Server is a running server and how to speak to it.
type Server struct {
	Name    string
	Version string
	Port    int
	Dialect swarm.Dialect
	// Most, where not zero, is how many deliveries a second the server can make:
	// what is offered beyond only queues, without bound.
	Most float64
	// Profiles is the address of the server's net/http/pprof, or empty.
	Profiles string
	// Nodes is how many nodes the server is, where it is many.
	Nodes int
	// Way is how clients that speak through a library reach it.
	Way Way
	// Publisher opens a connection to publish on.
	Publisher func() (publish.Publisher, error)

	process *process
}

// Way is a way to a server for clients that speak through a library.
type Way struct {
	// URL is the socket's, without a query.
	URL string
	// Hello are the messages that subscribe a client to the shared channel.
	Hello []string
	// Compression is to be offered.
	Compression bool
}

// Pids are the processes whose time and memory are the server's.
func (s *Server) Pids() []int { return machine.Tree(s.process.pid()) }

// LastWords is the last line of the server's log, usually why it failed.
func (s *Server) LastWords() string { return s.process.lastLine() }

// Stop ends the server and all that it started.
func (s *Server) Stop() { s.process.stop() }

// The channels that sockets ask for: the shared one, and each its own.
const (
	channelAll    = "ch:all"
	channelPrefix = "ch:"
)

var kinds = map[string]func(Env) (*Server, error){
	"floor":       func(e Env) (*Server, error) { return floor(e, false) },
	"floor-merge": func(e Env) (*Server, error) { return floor(e, true) },
	"naive":       naive,
	"wsgate":      wsgate,

	"wsgate-tls":     wsgateTLS,
	"wsgate-deflate": wsgateDeflate,

	"wsgate-centrifuge": wsgateCentrifuge,

	"nodes-1":   nodes(1),
	"nodes-10":  nodes(10),
	"nodes-30":  nodes(30),
	"nodes-100": nodes(100),

	"nchan":    nchan,
	"pushpin":  pushpin,
	"socketio": socketIO,
}

// Names are the servers that Start knows.
func Names() []string { return slices.Sorted(maps.Keys(kinds)) }

// Start starts a server and waits until it takes connections.
func Start(name string, e Env) (*Server, error) {
	start, ok := kinds[name]
	if !ok {
		return nil, fmt.Errorf("peer: no server %q: write one of %v", name, Names())
	}
	s, err := start(e)
	if err != nil {
		return nil, fmt.Errorf("peer: %s: %w", name, err)
	}
	s.Name = name
	return s, nil
}

// appendChannel appends the Redis channel, and the command, of a target.
func appendChannel(dst []byte, target uint32, _ []byte) []byte {
	if target == swarm.Everyone {
		return append(dst, channelAll...)
	}
	return strconv.AppendUint(append(dst, channelPrefix...), uint64(target), 10)
}

// subscribeBoth appends the two commands of the plain protocol.
func subscribeBoth(dst []byte, i int) []byte {
	dst = swarm.AppendText(dst, channelPrefix+strconv.Itoa(i))
	return swarm.AppendText(dst, channelAll)
}

// byRedis is the publisher of all servers that relay plain PUBLISH messages.
func byRedis(e Env) func() (publish.Publisher, error) {
	return func() (publish.Publisher, error) {
		return publish.NewRedis(e.Loop, e.RedisPort, appendChannel, nil)
	}
}
