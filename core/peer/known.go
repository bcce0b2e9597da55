package peer

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// The kinds of messages that say who is there. What they ask for is no more than an answer.
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
	nodes map[string]sight
	deaf  time.Time // since when nothing can be heard; zero while it can
	// until then there may be nodes that are remembered elsewhere alone
	doubtful time.Time
}

// sight is when a node was last heard itself, and until when it may have been there.
type sight struct{ heard, there time.Time }

// hear notes that a node spoke, and says whether it was not known.
func (k *known) hear(node string, now time.Time) (fresh bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, has := k.nodes[node]
	k.set(node, sight{now, now})
	return !has
}

// hearOf notes that a node was there at a time, as Redis says.
func (k *known) hearOf(node string, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if last := k.nodes[node]; at.After(last.there) {
		k.set(node, sight{last.heard, at})
	}
}

// set must be called with mu held.
func (k *known) set(node string, s sight) {
	if k.nodes == nil {
		k.nodes = map[string]sight{}
	}
	if _, has := k.nodes[node]; has || len(k.nodes) < maxKnown {
		k.nodes[node] = s
	}
}

// all are those that are remembered, with how long ago they may still have been there.
func (k *known) all(now time.Time) map[string]time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make(map[string]time.Duration, len(k.nodes))
	for node, last := range k.nodes {
		if ago := now.Sub(last.there); ago <= longestMemory {
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
	for node, last := range p.known.nodes {
		switch _, answered := a.nodes[node]; {
		case answered:
		case now.Sub(last.there) <= within+2*helloEvery:
			missing = true
		case now.Sub(last.there) > longestMemory:
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
// others may have come; and Redis may have forgotten them all. Call Greet then.
func (p *Peers) Up() {
	p.kept.behind.Store(true)
	now := time.Now()
	p.known.mu.Lock()
	defer p.known.mu.Unlock()
	for node, last := range p.known.nodes {
		if !p.known.deaf.IsZero() && p.known.deaf.Sub(last.heard) <= 2*helloEvery { // else it had gone before
			p.known.nodes[node] = sight{last.heard, now}
		}
	}
	p.known.deaf = time.Time{}
}

// Greet gives back to Redis what it may have forgotten of the nodes, and asks who is
// there, so that they hear of this one, and this one of them. It takes up to 2.5 s where
// Redis or a node does not answer.
func (p *Peers) Greet(ctx context.Context) {
	p.keepOn(ctx)
	ctx, cancel := context.WithTimeout(ctx, publishTimeout/4)
	defer cancel()
	if _, err := p.Ask(ctx, hello, nil); err != nil {
		p.log.Debug("nodes were not told", "kind", hello, "error", err)
	}
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
