// Package peer lets the nodes of one realm ask each other over Redis pub/sub: who
// has how many sockets, what is the position of a channel, what did I miss.
//
// Its main type is [Peers]. A question goes to every node, the asker's own included,
// and PUBLISH says how many heard it, so that the asker knows when it has all
// answers, without a list of nodes that could be out of date. (In a Redis Cluster its
// servers are asked for their subscribers, one by one.)
//
// A question is answered on the goroutine that calls [Peers.Handle], the Redis
// link's: so it has a place in the one order that Redis delivers to all subscribers,
// the same on every node, before and after the same business messages.
//
// # Concurrency
//
// Ask may be called from many goroutines. Handle belongs to one, and doesn't wait
// for the network: answers are published by a goroutine that New starts and Close
// ends. Answers are registered before the first Handle.
//
// # Bounds
//
// At most 64 questions of a node are open, for at most as long as their context,
// and 256 answers wait to be published: one more is dropped, and its asker is told
// that the answers are not complete. A question or answer has at most 8 MiB.
package peer

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/redisconn"
)

const (
	maxOpen    = 64
	maxWaiting = 256
	maxMessage = 8 << 20
	// publishTimeout bounds how long one answer may take to reach Redis.
	publishTimeout = 2 * time.Second
)

// ErrBusy: as many questions of this node are open as may be.
var ErrBusy = errors.New("peer: too many open questions")

var errClosed = errors.New("peer: closed")

// Options are what Peers need.
type Options struct {
	// Channel is the control channel of the realm, the same on all nodes, and
	// under the key prefix. Required.
	Channel string
	// Late is called when this node hears of another one that held something before this
	// one was noted, and that Note knew nothing of, since Redis had lost its memory: what
	// Missing said until now was too good. For 10 s it says true then, until Redis has
	// been given back what the other one remembers. Late must not block. Default: nothing.
	Late func()
	// Log receives what went wrong without failing a call. Default: slog.Default().
	Log *slog.Logger
}

// Question is what a node is asked.
type Question struct {
	// Node is the handle of the asking node.
	Node string
	// Own says that this very node asked: that its question comes by marks its
	// place in Redis' order.
	Own bool
	// Payload is what was asked. It must not be kept or changed.
	Payload []byte
}

// Answers are what came back.
type Answers struct {
	// Payloads are one for each node that answered, in no order, this node's too.
	Payloads [][]byte
	// Complete says that all nodes that heard the question have answered.
	Complete bool
	// Own says that this node heard its own question: its link was up.
	Own bool

	nodes map[string]struct{} // that answered
}

// Peers is this node's side of the conversation. Make one with New.
type Peers struct {
	rdb     redis.UniversalClient
	log     *slog.Logger
	node    string
	channel string
	kinds   map[string]func(Question) []byte
	known   known
	kept    kept
	late    func()
	silent  atomic.Bool // no good-bye

	mu     sync.Mutex // over open, last and closed
	open   map[uint64]*ask
	last   uint64
	closed bool

	out    chan outgoing
	done   <-chan struct{}
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// ask is one open question.
type ask struct {
	answers Answers
	heard   int64         // by how many nodes; -1 until that is known
	all     chan struct{} // closed when all have answered
}

type outgoing struct {
	channel string
	payload []byte
}

// message is a question, or with Kind "" an answer, as it is published.
type message struct {
	Kind    string `json:"k,omitempty"`
	Node    string `json:"n"` // who sends it
	ID      uint64 `json:"i"` // 0: no answer is wanted
	Payload []byte `json:"p,omitempty"`
	Age     int64  `json:"a,omitempty"` // for how many ms its sender has known what others would miss
}

// New makes the node's side and starts the goroutine that publishes its answers.
func New(rdb redis.UniversalClient, o Options) *Peers {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	ctx, cancel := context.WithCancel(context.Background())
	p := &Peers{
		rdb:     rdb,
		log:     o.Log,
		node:    base64.RawURLEncoding.EncodeToString(id[:]),
		channel: o.Channel,
		kinds:   map[string]func(Question) []byte{},
		kept:    newKept(),
		late:    o.Late,
		open:    map[uint64]*ask{},
		last:    binary.LittleEndian.Uint64(id[:]), // so that nobody answers by accident
		out:     make(chan outgoing, maxWaiting),
		done:    ctx.Done(),
		cancel:  cancel,
	}
	if p.log == nil {
		p.log = slog.Default()
	}
	if p.late == nil {
		p.late = func() {}
	}
	p.wg.Go(func() { p.publish(ctx) })
	p.wg.Go(func() { p.greet(ctx) })
	return p
}

// Ordered says that a question has a place in one order of messages, the same on
// every node. In a Redis Cluster it has not: there its nodes pass messages on to each
// other, and each subscriber has the order of its own.
func (p *Peers) Ordered() bool {
	_, cluster := p.rdb.(*redis.ClusterClient)
	return !cluster
}

// Node is the handle of this node, random and new with every start.
func (p *Peers) Node() string { return p.node }

// Answer has f answer questions of a kind, this node's own too. f is called by
// Handle, so it must not block; nil is an empty answer. Call it before the channels
// are subscribed.
func (p *Peers) Answer(kind string, f func(Question) []byte) { p.kinds[kind] = f }

// Channels are the Redis channels whose messages Handle wants.
func (p *Peers) Channels() []string { return []string{p.channel, p.inbox(p.node)} }

func (p *Peers) inbox(node string) string { return p.channel + ":" + node }

// Leave has Close not say good-bye: the others are to notice that this node knew
// something which they don't.
func (p *Peers) Leave() { p.silent.Store(true) }

// Close ends the node's side; open questions end with what has come.
func (p *Peers) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.wg.Wait()
}

// Ask asks every node, and waits until all that heard it have answered or ctx
// ends: then it returns what has come, without an error. An error means that
// nobody was asked.
func (p *Peers) Ask(ctx context.Context, kind string, payload []byte) (Answers, error) {
	id, a, err := p.begin()
	if err != nil {
		return Answers{}, err
	}
	defer p.end(id)
	raw, err := json.Marshal(message{Kind: kind, Node: p.node, ID: id, Payload: payload, Age: p.kept.age()})
	if err != nil {
		return Answers{}, fmt.Errorf("peer: %w", err)
	}
	heard, err := p.rdb.Publish(ctx, p.channel, raw).Result()
	if err != nil {
		return Answers{}, fmt.Errorf("peer: %w", err)
	}
	if !p.Ordered() {
		if heard, err = redisconn.Subscribers(ctx, p.rdb, p.channel); err != nil {
			p.log.Warn("nodes that were asked could not be counted", "error", err)
			heard = math.MaxInt64 // the answers are never complete
		}
	}
	p.mu.Lock()
	a.heard = heard
	a.check()
	p.mu.Unlock()
	select {
	case <-a.all:
	case <-ctx.Done():
	case <-p.done:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return a.answers, nil
}

func (p *Peers) begin() (uint64, *ask, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, nil, errClosed
	}
	if len(p.open) >= maxOpen {
		return 0, nil, ErrBusy
	}
	p.last++
	a := &ask{heard: -1, all: make(chan struct{})}
	p.open[p.last] = a
	return p.last, a, nil
}

func (p *Peers) end(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, id)
}

// check must be called with Peers.mu held.
func (a *ask) check() {
	if !a.answers.Complete && a.heard >= 0 && int64(len(a.answers.Payloads)) >= a.heard {
		a.answers.Complete = true
		close(a.all)
	}
}

// Handle takes in a message of one of Channels, and says whether it was one.
func (p *Peers) Handle(channel string, payload []byte) bool {
	question := channel == p.channel
	if !question && channel != p.inbox(p.node) {
		return false
	}
	var m message
	if len(payload) > maxMessage {
		p.log.Warn("message between nodes ignored: too long", "bytes", len(payload))
		return true
	}
	if err := json.Unmarshal(payload, &m); err != nil {
		p.log.Warn("message between nodes ignored", "error", err)
		return true
	}
	if !question {
		p.hear(&m)
		p.answered(&m, m.Payload, false)
		return true
	}
	if m.Node == p.node {
		p.answered(&m, p.answer(&m), true)
		return true
	}
	if m.Kind == bye {
		p.known.forget(m.Node)
		return true
	}
	p.hear(&m)
	answer := p.answer(&m)
	if m.ID == 0 {
		return true
	}
	raw, err := json.Marshal(message{Node: p.node, ID: m.ID, Payload: answer, Age: p.kept.age()})
	if err != nil || len(raw) > maxMessage {
		p.log.Warn("answer to a node not sent", "kind", m.Kind, "bytes", len(raw), "error", err)
		return true
	}
	select {
	case p.out <- outgoing{p.inbox(m.Node), raw}:
	default:
		p.log.Warn("answer to a node not sent: too many wait", "kind", m.Kind)
	}
	return true
}

// hear notes that the sender of a message is there.
func (p *Peers) hear(m *message) {
	now := time.Now()
	if p.known.hear(m.Node, now) && p.kept.before(m.Age) {
		p.known.doubt(now.Add(2 * helloEvery))
		p.late()
	}
}

// answer asks the function of a kind. What this node does not know, an older or
// newer version perhaps does: it gets an empty answer.
func (p *Peers) answer(m *message) (payload []byte) {
	f := p.kinds[m.Kind]
	if f == nil {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			p.log.Error("panic in an answer between nodes; please report it", "kind", m.Kind, "panic", v, "stack", string(debug.Stack()))
			payload = nil
		}
	}()
	return f(Question{Node: m.Node, Own: m.Node == p.node, Payload: m.Payload})
}

// answered counts one answer. A late one is nobody's any more.
func (p *Peers) answered(m *message, payload []byte, own bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.open[m.ID]
	if a == nil {
		return
	}
	a.answers.Payloads = append(a.answers.Payloads, payload)
	if a.answers.nodes == nil {
		a.answers.nodes = map[string]struct{}{}
	}
	a.answers.nodes[m.Node] = struct{}{}
	a.answers.Own = a.answers.Own || own
	a.check()
}

// publish is the goroutine that sends answers.
func (p *Peers) publish(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-p.out:
			p.send(ctx, o)
		}
	}
}

func (p *Peers) send(ctx context.Context, o outgoing) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := p.rdb.Publish(ctx, o.channel, o.payload).Err(); err != nil {
		p.log.Warn("answer to a node not sent", "error", err)
	}
}
