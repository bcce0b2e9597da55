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
}

func (k *known) hear(node string, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.nodes == nil {
		k.nodes = map[string]time.Time{}
	}
	if _, has := k.nodes[node]; has || len(k.nodes) < maxKnown {
		k.nodes[node] = now
	}
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
	missing := false
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

// Up says that this node's link to Redis is up again. Nodes may have gone meanwhile, and
// others have come that now hear of this one.
func (p *Peers) Up(ctx context.Context) {
	now := time.Now()
	p.known.mu.Lock()
	for node := range p.known.nodes {
		p.known.nodes[node] = now
	}
	p.known.mu.Unlock()
	p.tell(ctx, hello)
}

// greet is the goroutine that says hello, and in the end good-bye.
func (p *Peers) greet(ctx context.Context) {
	t := time.NewTicker(helloEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			p.tell(ctx, hello)
		case <-ctx.Done():
			if !p.silent.Load() {
				p.tell(context.WithoutCancel(ctx), bye)
			}
			return
		}
	}
}

// tell says something that needs no answer. Who does not hear it hears the next.
func (p *Peers) tell(ctx context.Context, kind string) {
	raw, err := json.Marshal(message{Kind: kind, Node: p.node})
	if err != nil {
		return // can't be
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout/4)
	defer cancel()
	if err := p.rdb.Publish(ctx, p.channel, raw).Err(); err != nil {
		p.log.Debug("nodes were not told", "kind", kind, "error", err)
	}
}
