package peer

import (
	"context"
	_ "embed" // the script
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed kept.lua
var keptLua string

var keptScript = redis.NewScript(keptLua)

// kept is what Redis keeps of the nodes: for one that starts after another has crashed,
// and never heard of it.
type kept struct {
	one  chan struct{} // is for who asks Redis now; the others wait
	done chan struct{} // closed when this node is noted
	at   time.Time     // when it was; not before done is closed
	// holds is since when this node may know what others would miss; nil: it doesn't.
	holds atomic.Pointer[time.Time]
	// behind says that Redis may not have all that this node has heard of.
	behind atomic.Bool
}

func newKept() kept { return kept{one: make(chan struct{}, 1), done: make(chan struct{})} }

func (k *kept) noted() bool {
	select {
	case <-k.done:
		return true
	default:
		return false
	}
}

// age is for how many ms this node has known what others would miss; 0: it does not.
func (k *kept) age() int64 {
	since := k.holds.Load()
	if since == nil {
		return 0
	}
	return max(1, time.Since(*since).Milliseconds())
}

// before says whether a node of an age knew something before this one was noted.
func (k *kept) before(age int64) bool {
	return k.noted() && age > max(1, time.Since(k.at).Milliseconds())
}

// Hold is Note, to be called before the node knows something that others would miss.
// Where it fails the node counts as one that does, so that others that come to a Redis
// without memory are told of it.
func (p *Peers) Hold(ctx context.Context) error {
	err := p.Note(ctx)
	if err != nil {
		now := time.Now()
		p.kept.holds.CompareAndSwap(nil, &now)
	}
	return err
}

// Note has Redis keep that this node is there, from now on until Close, and learns of
// those that were there before: from then on Missing counts them. Once it has succeeded
// it costs nothing. It waits for Redis no longer than ctx.
func (p *Peers) Note(ctx context.Context) error {
	if p.kept.noted() {
		return nil
	}
	select {
	case p.kept.one <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("peer: nodes could not be noted: %w", ctx.Err())
	}
	defer func() { <-p.kept.one }()
	if p.kept.noted() {
		return nil
	}
	at := time.Now() // who was noted by then is in what comes back
	if err := p.keep(ctx, true); err != nil {
		return err
	}
	p.kept.at = at
	p.kept.holds.CompareAndSwap(nil, &at)
	close(p.kept.done)
	return nil
}

// keepOn repeats what Note did.
func (p *Peers) keepOn(ctx context.Context) {
	if !p.kept.noted() || ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	all := p.kept.behind.Swap(false)
	if err := p.keep(ctx, all); err != nil {
		p.kept.behind.CompareAndSwap(false, all)
		p.log.Debug("this node is not noted again", "error", err)
	}
}

// keep tells Redis that this node is there, and with all also what it has heard of the
// others, which Redis may have lost.
func (p *Peers) keep(ctx context.Context, all bool) error {
	args := []any{longestMemory.Milliseconds(), maxKnown, p.node, 0}
	if all {
		for node, ago := range p.known.all(time.Now()) {
			args = append(args, node, ago.Milliseconds())
		}
	}
	nodes, err := keptScript.Run(ctx, p.rdb, []string{p.keptKey()}, args...).Slice()
	if err != nil {
		return fmt.Errorf("peer: nodes could not be noted: %w", err)
	}
	now := time.Now()
	unknown := p.known.all(now)
	for i := 0; i+1 < len(nodes); i += 2 {
		node, _ := nodes[i].(string)
		ago, _ := nodes[i+1].(int64)
		delete(unknown, node)
		if node == "" || node == p.node {
			continue
		}
		p.known.hearOf(node, now.Add(-time.Duration(max(ago, 0))*time.Millisecond))
	}
	if len(unknown) > 0 && len(nodes) < 2*maxKnown {
		p.kept.behind.Store(true)
	}
	return nil
}

// leave takes this node out of what Redis keeps.
func (p *Peers) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout/4)
	defer cancel()
	if err := p.rdb.ZRem(ctx, p.keptKey(), p.node).Err(); err != nil {
		p.log.Debug("this node stays noted", "error", err)
	}
}

func (p *Peers) keptKey() string { return p.channel + ":kept" }
