package gate

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wsgate/wsgate/core/peer"
	"github.com/wsgate/wsgate/core/proctest"
)

// fleet is the nodes of a stack, each behind a proxy, with another one before Redis, and
// what happens to them. It is for the test's goroutine.
type fleet struct {
	*stack
	ctx      context.Context //nolint:containedctx // the test's
	berths   []*berth
	redisOff func()       // gives Redis back; nil while it is there
	empty    atomic.Int64 // when Redis last came back without its memory, in ns
	gone     []string     // the nodes that stopped or died
	done     map[string]int
}

// berth is where one node after another stands.
type berth struct {
	*node // nil while there is none
	front *proctest.TCPProxy
	link  *proctest.TCPProxy // its own, not its successor's
}

func newFleet(s *stack, ctx context.Context, nodes int) *fleet { //nolint:revive // the context is what the fleet lives for
	f := &fleet{stack: s, ctx: ctx, done: map[string]int{}}
	for range nodes {
		b := &berth{}
		f.berths = append(f.berths, b)
		f.start(b)
	}
	return f
}

func (f *fleet) fronts() (all []*proctest.TCPProxy) {
	for _, b := range f.berths {
		all = append(all, b.front)
	}
	return all
}

// start opens a node, which needs Redis.
func (f *fleet) start(b *berth) {
	f.t.Helper()
	f.giveRedisBack()
	b.link = proctest.Proxy(f.t, f.redis.Addr())
	f.cfg.Redis.URLs = []string{"redis://" + b.link.Addr()}
	b.node = f.node()
	addr := b.srv.Listener.Addr().String()
	if b.front == nil {
		b.front = proctest.Proxy(f.t, addr)
	}
	f.t.Logf("%s fault: node %s started at %s", time.Now().Format("05.000"), b.handle(), b.front.Addr())
	b.front.Point(addr)
	b.front.Go()
}

// stop closes a node in good order.
func (f *fleet) stop(b *berth) {
	n := b.node
	b.node = nil
	f.gone = append(f.gone, n.handle())
	if err := n.gate.Close(); err != nil {
		f.t.Error(err)
	}
	b.front.Refuse()
	n.srv.Close()
}

// crash ends a node as SIGKILL does, as far as others can see: from one moment on nothing
// comes from it, and nothing gets to it.
func (f *fleet) crash(b *berth) {
	b.front.Refuse()
	b.link.Refuse()
	f.stop(b)
}

func (f *fleet) giveRedisBack() {
	if f.redisOff != nil {
		f.redisOff()
		f.redisOff = nil
		f.t.Log(time.Now().Format("05.000"), "fault: redis is back")
	}
}

// heal has all be there again.
func (f *fleet) heal() {
	f.giveRedisBack()
	for _, b := range f.berths {
		if b.node == nil {
			f.start(b)
		}
	}
}

// pause is for the length of a fault, or between two: it is what is tested, not waited for.
func (f *fleet) pause(most int) {
	select {
	case <-time.After(time.Duration(rand.IntN(most)) * time.Millisecond):
	case <-f.ctx.Done():
	}
}

// up are those that have a node.
func (f *fleet) up() (up []*berth) {
	for _, b := range f.berths {
		if b.node != nil {
			up = append(up, b)
		}
	}
	return up
}

// handle is a node's name among its peers.
func (n *node) handle() string { return n.gate.shared.Load().peers.Node() }

// remembered says that a node other than b knows that b was there, or another one that has
// gone: then it tells everybody of gaps.
func (f *fleet) remembered(b *berth) bool {
	return slices.ContainsFunc(f.up(), func(o *berth) bool {
		return o != b && o.gate.shared.Load().peers.Missing(peer.Answers{}, resumeFor)
	})
}

// kept says the same of Redis.
func (f *fleet) kept(b *berth) bool {
	if f.redisOff != nil {
		return false
	}
	for key := range strings.FieldsSeq(f.redis.CLI("KEYS", "wsgate:*:peers:kept")) {
		for node := range strings.FieldsSeq(f.redis.CLI("ZRANGE", key, "0", "-1")) {
			if node == b.handle() || slices.Contains(f.gone, node) {
				return true
			}
		}
	}
	return false
}

// fault does one of them. What it takes away, a later one gives back. With rough false,
// all that has a memory stays.
func (f *fleet) fault(rough bool) {
	if f.redisOff != nil && rand.IntN(3) == 0 {
		f.giveRedisBack()
	}
	for _, b := range f.berths {
		if b.node == nil && (len(f.up()) == 0 || rand.IntN(3) == 0) {
			f.start(b)
		}
	}
	up := f.up()
	b := up[rand.IntN(len(up))]
	name := "client"
	kinds := 84
	if rough {
		kinds = 100
	}
	switch n := rand.IntN(kinds); {
	case n < 40:
		b.front.CutOne()
	case n < 48:
		name = "all clients of a node"
		b.front.Cut()
	case n < 60:
		name = "clients stalled"
		b.front.Stall()
		f.pause(200)
		b.front.Cut()
		b.front.Go()
	case n < 73:
		name = "link"
		b.link.Cut()
	case n < 78:
		name = "link stalled"
		b.link.Stall()
		f.pause(100)
		b.link.Cut()
		b.link.Go()
	case n < 81 && f.redisOff == nil:
		name = "all links"
		f.redis.CLI("CLIENT", "KILL", "TYPE", "pubsub")
	case n < 84 && f.redisOff == nil:
		name = "redis paused"
		f.redis.Pause()
		f.redisOff = f.redis.Resume
	case n >= 84 && n < 89 && f.redisOff == nil && f.remembered(nil):
		name = "redis killed"
		f.redis.Kill()
		f.redisOff = func() {
			f.empty.Store(time.Now().UnixNano())
			f.redis.Start()
		}
	case n >= 84 && n < 94 && (f.remembered(b) || f.kept(b)):
		name = "node stopped"
		f.stop(b)
	case n >= 84 && (f.remembered(b) || f.kept(b)):
		name = "node killed"
		f.crash(b)
	default:
		b.front.CutOne()
	}
	f.done[name]++
	f.t.Log(time.Now().Format("05.000"), "fault:", name, b.front.Addr())
}

// String counts the faults.
func (f *fleet) String() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(f.done)) {
		all = append(all, fmt.Sprint(f.done[name], " ", name))
	}
	return strings.Join(all, ", ")
}
