package gate

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/peer"
	hist "github.com/wsgate/wsgate/core/pubsub/history"
)

// The questions between nodes about the histories of channels.
const (
	askPlaces   = "places"
	askMessages = "messages"
)

const (
	// alignBatch is how many channels one question names.
	alignBatch = 256
	// alignWait is how long the other nodes have for each of the two answers.
	alignWait = 400 * time.Millisecond
	// alignBytes is how many bytes of messages one answer holds: with two base64s
	// it is below peer's bound.
	alignBytes = 3 << 20
	// manyOpen is how many channels may wait before it is looked at which of them
	// have no history any more.
	manyOpen = 1024
)

// aligner gives the histories of this node the numbers that the other nodes have, and
// the messages that they have kept. Redis delivers one order to all subscribers of a
// server. So a question, which goes by way of Redis, has the same place among a
// channel's messages on each node, and what the others say of that place holds here.
type aligner struct {
	gate *Gate
	wake chan struct{}

	mu   sync.Mutex
	open map[string]uint64 // channels that are unsettled, and which of the adds was the last
	adds uint64
	many int // so many are open that some may have no history any more

	questions uint64 // of all nodes that came by; the link's goroutine's
}

func newAligner(g *Gate) *aligner {
	return &aligner{gate: g, wake: make(chan struct{}, 1), open: map[string]uint64{}, many: manyOpen}
}

// add is told of a channel that is unsettled. It does not block.
func (a *aligner) add(channel string) {
	a.mu.Lock()
	a.adds++
	a.open[channel] = a.adds
	a.mu.Unlock()
	a.kick()
}

// kick says that channels may have become live.
func (a *aligner) kick() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// run settles channels until ctx ends.
func (a *aligner) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		}
		a.forget()
		for ctx.Err() == nil {
			open := a.next()
			if len(open) == 0 {
				break
			}
			a.settle(ctx, open)
		}
	}
}

// forget drops channels that have no history any more, once there are many: one whose
// history ended before it was live never will be.
func (a *aligner) forget() {
	a.mu.Lock()
	if len(a.open) < a.many {
		a.mu.Unlock()
		return
	}
	gone := maps.Clone(a.open)
	a.mu.Unlock()
	// Not under mu: the hub calls add under its own.
	for _, o := range a.gate.hub.Unsettled(slices.Collect(maps.Keys(gone))) {
		delete(gone, o.Channel)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, add := range gone {
		if a.open[name] == add { // else it has a history again
			delete(a.open, name)
		}
	}
	a.many = max(manyOpen, 2*len(a.open))
}

// next takes channels that can be settled now: those that are live. The others wait for
// a kick. Without one order nobody can be asked, and nothing is waited for.
func (a *aligner) next() []hub.Open {
	sh := a.gate.shared.Load()
	if sh == nil {
		return nil
	}
	ordered := sh.peers.Ordered()
	if ordered && !sh.link.Live(sh.peers.Channels()[0]) {
		return nil // this node would not hear its own question
	}
	var names []string
	a.mu.Lock()
	for name := range a.open {
		if !ordered || sh.link.Live(name) {
			delete(a.open, name)
			if names = append(names, name); len(names) == alignBatch {
				break
			}
		}
	}
	a.mu.Unlock()
	return a.gate.hub.Unsettled(names)
}

// settle finds out what the other nodes know of channels, and tells the hub.
func (a *aligner) settle(ctx context.Context, open []hub.Open) {
	best := make([]*hist.Place, len(open))
	older := make([][]hist.Aged, len(open))
	sh := a.gate.shared.Load()
	if sh.peers.Ordered() {
		best = a.places(ctx, sh.peers, open)
		a.messages(ctx, sh.peers, open, best, older)
	}
	for i, o := range open {
		a.gate.hub.Settle(o, best[i], older[i])
	}
}

// placesQuestion is askPlaces' payload.
type placesQuestion struct {
	Channels []string `json:"c"`
	// Rounds are the asker's own: a question that comes late marks nothing.
	Rounds []uint64 `json:"r"`
}

// places asks how far channels have got at the place of the question: the best of what
// the nodes say, nil where nobody knows.
func (a *aligner) places(ctx context.Context, peers *peer.Peers, open []hub.Open) []*hist.Place {
	ctx, cancel := context.WithTimeout(ctx, alignWait)
	defer cancel()
	best := make([]*hist.Place, len(open))
	q := placesQuestion{Channels: make([]string, len(open)), Rounds: make([]uint64, len(open))}
	for i := range open {
		q.Channels[i], q.Rounds[i] = open[i].Channel, open[i].Round
	}
	answers, err := askNodes(ctx, peers, askPlaces, q)
	if err != nil || !answers.Own {
		a.gate.trouble("nodes could not be asked for the positions of channels; their histories begin anew", err)
		return best
	}
	for _, raw := range answers.Payloads {
		var places []*hist.Place
		if json.Unmarshal(raw, &places) != nil || len(places) != len(open) {
			continue // an empty answer: this node's own, or another version's
		}
		for i, p := range places {
			if p == nil || p.Epoch == "" {
				continue
			}
			// A node that has this one's epoch can fill its hole, if there is one.
			if best[i] == nil || p.Better(best[i]) || p.Settled && p.Epoch == open[i].At.Epoch {
				best[i] = p
			}
		}
	}
	return best
}

// messagesQuestion is askMessages' payload: what is asked of whoever has the epoch.
type messagesQuestion struct {
	Wanted []wanted `json:"w"`
}

// wanted are the messages of one channel between two offsets, both included.
type wanted struct {
	Index   int    `json:"i"` // of the channel in the asker's list
	Channel string `json:"c"`
	Epoch   string `json:"e"`
	From    uint64 `json:"f"`
	To      uint64 `json:"t"`
}

// found are such messages.
type found struct {
	Index    int         `json:"i"`
	Messages []hist.Aged `json:"m"`
}

// messages asks for what the other nodes have kept, up to the places that they told.
func (a *aligner) messages(ctx context.Context, peers *peer.Peers, open []hub.Open, best []*hist.Place, older [][]hist.Aged) {
	ctx, cancel := context.WithTimeout(ctx, alignWait)
	defer cancel()
	var q messagesQuestion
	for i, p := range best {
		if p == nil || !p.Settled {
			continue
		}
		from := p.Oldest
		if p.Epoch == open[i].At.Epoch {
			from = max(from, open[i].At.Offset+1)
		}
		if from > 0 && from <= p.Offset {
			q.Wanted = append(q.Wanted, wanted{i, open[i].Channel, p.Epoch, from, p.Offset})
		}
	}
	if len(q.Wanted) == 0 {
		return
	}
	answers, err := askNodes(ctx, peers, askMessages, q)
	if err != nil {
		a.gate.trouble("nodes could not be asked for the messages of channels", err)
		return
	}
	for _, raw := range answers.Payloads {
		var all []found
		if json.Unmarshal(raw, &all) != nil {
			continue
		}
		for _, f := range all {
			if f.Index >= 0 && f.Index < len(older) && len(f.Messages) > len(older[f.Index]) {
				older[f.Index] = f.Messages
			}
		}
	}
}

func askNodes(ctx context.Context, peers *peer.Peers, kind string, question any) (peer.Answers, error) {
	raw, err := json.Marshal(question)
	if err != nil {
		return peer.Answers{}, err
	}
	return peers.Ask(ctx, kind, raw)
}

// answerPlaces is told each node's question, on the link's goroutine.
func (a *aligner) answerPlaces(q peer.Question) []byte {
	a.questions++
	var asked placesQuestion
	if json.Unmarshal(q.Payload, &asked) != nil || len(asked.Channels) > alignBatch {
		return nil
	}
	if q.Own {
		if len(asked.Rounds) == len(asked.Channels) {
			a.gate.hub.MarkAll(asked.Channels, asked.Rounds, a.questions)
		}
		return nil
	}
	return answer(a.gate.hub.Places(asked.Channels, a.questions))
}

// answerMessages is told each node's question, on the link's goroutine.
func (a *aligner) answerMessages(q peer.Question) []byte {
	var asked messagesQuestion
	if q.Own || json.Unmarshal(q.Payload, &asked) != nil || len(asked.Wanted) > alignBatch {
		return nil
	}
	var all []found
	left := alignBytes
	for _, w := range asked.Wanted {
		messages := a.gate.hub.Range(w.Channel, w.Epoch, w.From, w.To, left)
		for i := range messages {
			left -= len(messages[i].Payload)
		}
		if len(messages) > 0 {
			all = append(all, found{w.Index, messages})
		}
		if left <= 0 {
			break
		}
	}
	return answer(all)
}

func answer(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil // can't be: it is numbers, texts and bytes
	}
	return raw
}
