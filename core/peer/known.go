package peer

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// The kinds of messages that say who is there. Nobody answers them.
const (
	hello = "hello"
	bye   = "bye"
)

const (
	// helloEvery is how often a node says that it is there.
	helloEvery = 5 * time.Second
	// maxKnown is how many nodes are remembered; more are not missed.
	maxKnown = 4096
)

// known are the nodes that were heard of, and when they last were. A node that ends in
// good order says so.
type known struct {
	mu    sync.Mutex
	nodes map[string]time.Time
	deaf  time.Time // since when nothing can be heard; zero while it can
	// until then there may be nodes that are remembered elsewhere alone
	doubtful time.Time
}

// hear notes that a node was there at a time, and says whether it was not known.
func (k *known) hear(node string, at time.Time) (fresh bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.nodes == nil {
		k.nodes = map[string]time.Time{}
	}
	last, has := k.nodes[node]
	if has && at.After(last) || !has && len(k.nodes) < maxKnown {
		k.nodes[node] = at
	}
	return !has
}

// all are those that are remembered, with how long ago they were last heard of.
func (k *known) all(now time.Time) map[string]time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make(map[string]time.Duration, len(k.nodes))
	for node, heard := range k.nodes {
		if ago := now.Sub(heard); ago <= longestMemory {
			all[node] = max(ago, 0)
		}
	}
	return all
}

func (k *known) doubt(until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.doubtful = until
}

func (k *known) forget(node string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.nodes, node)
}

// Missing says whether a node that was there within a time did not answer: it has
// crashed, or can't reach Redis, and what only it knows is not known now.
func (p *Peers) Missing(a Answers, within time.Duration) bool {
	now := time.Now()
	p.known.mu.Lock()
	defer p.known.mu.Unlock()
	missing := now.Before(p.known.doubtful)
	for node, heard := range p.known.nodes {
		switch _, answered := a.nodes[node]; {
		case answered:
		case now.Sub(heard) <= within+2*helloEvery:
			missing = true
		case now.Sub(heard) > longestMemory:
			delete(p.known.nodes, node)
		}
	}
	return missing
}

// longestMemory is for how long a node that went without a word is remembered.
const longestMemory = 25 * time.Hour

// Down says that this node's link to Redis is down: it hears of nobody.
func (p *Peers) Down() {
	p.known.mu.Lock()
	defer p.known.mu.Unlock()
	if p.known.deaf.IsZero() {
		p.known.deaf = time.Now()
	}
}

// Up says that this node's link to Redis is up again. Nodes may have gone meanwhile, and
// others have come that now hear of this one; and Redis may have forgotten them all.
func (p *Peers) Up(ctx context.Context) {
	now := time.Now()
	p.known.mu.Lock()
	for node, heard := range p.known.nodes {
		if p.known.deaf.Sub(heard) <= 2*helloEvery { // else it had gone before
			p.known.nodes[node] = now
		}
	}
	p.known.deaf = time.Time{}
	p.known.mu.Unlock()
	p.tell(ctx, hello)
	p.kept.behind.Store(true)
	p.keepOn(ctx)
}

// greet is the goroutine that says hello, and in the end good-bye.
func (p *Peers) greet(ctx context.Context) {
	t := time.NewTicker(helloEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			p.tell(ctx, hello)
			p.keepOn(ctx)
		case <-ctx.Done():
			if !p.silent.Load() {
				p.leave(context.WithoutCancel(ctx)) // before others forget it, lest they learn of it again
				p.tell(context.WithoutCancel(ctx), bye)
			}
			return
		}
	}
}

// tell says something that needs no answer. Who does not hear it hears the next.
func (p *Peers) tell(ctx context.Context, kind string) {
	raw, err := json.Marshal(message{Kind: kind, Node: p.node, Age: p.kept.age()})
	if err != nil {
		return // can't be
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout/4)
	defer cancel()
	if err := p.rdb.Publish(ctx, p.channel, raw).Err(); err != nil {
		p.log.Debug("nodes were not told", "kind", kind, "error", err)
	}
}
