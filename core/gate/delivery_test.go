package gate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/proctest"
)

// listener is an unchanged page: it connects, sends its command, and when the
// connection ends it does so again.
type listener struct {
	nodes     []*proctest.TCPProxy // where it connects, one after another by chance
	token     string
	number    int // of its channel
	mayBeLate func() bool

	mu       sync.Mutex
	newest   int    // the newest number
	told     bool   // of a gap since
	gaps     int    // jumps it was told of
	late     int    // jumps it was told of only then
	owed     string // a jump that it was not told of yet
	owedAt   time.Time
	twice    int // numbers that came again
	opened   int
	came     bool // a number, since it opened
	resumed  int  // times it came back, and went on without a gap
	mistakes []string
	trail    []string // the last things that happened, for a mistake to be understood
}

// note must be called with mu held.
func (l *listener) note(what string) {
	if len(l.trail) == 12 {
		l.trail = l.trail[1:]
	}
	l.trail = append(l.trail, time.Now().Format("05.000 ")+what)
}

func (l *listener) run(ctx context.Context) {
	for ctx.Err() == nil {
		addr := l.nodes[rand.IntN(len(l.nodes))].Addr()
		conn, _, err := (&websocket.Dialer{HandshakeTimeout: 2 * time.Second}).DialContext(ctx, "ws://"+addr+"/ws?token="+l.token, nil)
		if err == nil {
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			l.listen(conn, addr)
			stop()
			_ = conn.Close()
		}
		select {
		case <-time.After(time.Duration(rand.IntN(30)) * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (l *listener) listen(conn *websocket.Conn, addr string) {
	if conn.WriteMessage(websocket.TextMessage, fmt.Append(nil, "n:", l.number)) != nil {
		return
	}
	l.mu.Lock()
	l.opened++
	l.came = false
	l.note(fmt.Sprintf("open %s, has %d", addr, l.newest))
	l.mu.Unlock()
	for {
		// A page has no time-out of its own; this one has the heartbeat's.
		_ = conn.SetReadDeadline(time.Now().Add(3 * time.Second))
		_, p, err := conn.ReadMessage()
		if err != nil {
			l.mu.Lock()
			l.note(fmt.Sprintf("broke, has %d", l.newest))
			l.mu.Unlock()
			return
		}
		l.take(string(p))
	}
}

// take judges one frame: numbers come in order, none is left out without a word.
func (l *listener) take(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if text == "gap" {
		l.told = true
		l.note("gap")
		switch {
		case l.owed == "":
		case time.Since(l.owedAt) > lateFor:
			l.mistakes = append(l.mistakes, l.owed)
		default:
			l.late++
		}
		l.owed = ""
		return
	}
	n, err := strconv.Atoi(strings.TrimLeft(text, "-"))
	if !l.came && !l.told && l.newest > 0 {
		l.resumed++
	}
	l.came = true
	switch {
	case err != nil:
		l.mistakes = append(l.mistakes, "got "+text)
		return
	case n <= l.newest:
		l.twice++
		return
	case n > l.newest+1 && l.newest > 0 && !l.told && l.mayBeLate():
		if l.owed == "" {
			l.owed, l.owedAt = l.loss(n), time.Now()
		}
	case n > l.newest+1 && l.newest > 0 && !l.told:
		l.mistakes = append(l.mistakes, l.loss(n))
	case n > l.newest+1 && l.newest > 0:
		l.gaps++
	}
	l.newest, l.told = n, false
}

// loss must be called with mu held.
func (l *listener) loss(n int) string {
	return fmt.Sprintf("%d to %d were lost without a word at %s; before: %q", l.newest+1, n-1, time.Now().Format("05.000"), l.trail)
}

// owes is a jump that the client is still to be told of, if any.
func (l *listener) owes() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.owed
}

func (l *listener) has(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.newest >= n
}

// cuts is how many connections TestDeliveryReconciles breaks: 200, or what WSGATE_CUTS says.
func cuts(t *testing.T) int {
	n := 200
	if v := os.Getenv("WSGATE_CUTS"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// delivery is numbers on their way from publishers to listeners.
type delivery struct {
	t         *testing.T
	rdb       *redis.Client
	all       []*listener
	published [channels]atomic.Int64 // the newest number of each channel that Redis has answered for
	ctx       context.Context        //nolint:containedctx // the test's
}

const channels, perChannel = 4, 3

const (
	// resumeFor is longer than any client is away.
	resumeFor = 20 * time.Second
	// lateFor is how long after Redis came back without its memory a gap may be told late:
	// to a new node, another one that has not yet reached Redis again is unknown.
	lateFor = 5 * time.Second
)

// publish publishes the next number. One that Redis did not answer for may have been
// delivered or not: it is published again, and comes twice at worst.
func (d *delivery) publish(ch int) bool {
	n, pad := d.published[ch].Load()+1, strings.Repeat("-", rand.IntN(300))
	if d.rdb.Publish(d.ctx, fmt.Sprint("n:", ch), pad+fmt.Sprint(n)).Err() != nil {
		return false
	}
	d.published[ch].Store(n)
	return true
}

// arrived waits until everybody has what was published by now; who was told of a gap may
// have missed it, so it goes on publishing.
func (d *delivery) arrived(what string) {
	d.t.Helper()
	for _, l := range d.all {
		n := int(d.published[l.number].Load())
		proctest.Eventually(d.t, 3*patience, func() bool { return l.has(n) || d.publish(l.number) && l.has(n) }, what)
	}
}

// TestDeliveryReconciles reconciles: numbers are published, while connections of clients and
// of nodes to Redis are cut and stalled, nodes stop and die, and Redis dies, at random; and
// each client ends with each number that Redis has answered for, or with a word before the
// first that it misses. (Where Redis has lost its memory, and a new node reaches it sooner
// than those that were there before, the word comes when they are back.)
func TestDeliveryReconciles(t *testing.T) {
	s := newStack(t, func(c *Config) {
		gap := "gap"
		c.Drain = new(conf.Duration)
		c.Sockets = []Socket{{
			Path: "/ws", Ping: conf.Duration(time.Second), Messages: Messages{Gap: &gap},
			Channels: []channel.Config{{Pattern: "n:{id}", History: &channel.History{Messages: 10_000, For: conf.Duration(time.Minute)}, Resume: conf.Duration(resumeFor)}},
		}}
	})
	ctx, cancel := context.WithCancel(t.Context())
	f := newFleet(s, ctx, 2)
	d := &delivery{t: t, ctx: ctx, rdb: redis.NewClient(&redis.Options{Addr: s.redis.Addr(), MaxRetries: -1, ReadTimeout: time.Second})}
	defer d.rdb.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for i := range channels * perChannel {
		l := &listener{nodes: f.fronts(), token: s.backend.Login(fmt.Sprint("user", i)), number: i % channels, mayBeLate: func() bool { return time.Since(time.Unix(0, f.empty.Load())) < lateFor }}
		d.all = append(d.all, l)
		wg.Go(func() { l.run(ctx) })
	}
	publishing, stop := context.WithCancel(ctx)
	var publishers sync.WaitGroup
	for ch := range channels {
		publishers.Go(func() {
			for publishing.Err() == nil {
				d.publish(ch)
				select {
				case <-time.After(time.Duration(rand.IntN(10)) * time.Millisecond):
				case <-publishing.Done():
				}
			}
		})
	}
	d.arrived("everybody listens")
	for i := range cuts(t) {
		// Once a node has gone, clients that come back are told of gaps for as long as
		// they may resume, whatever they missed. The rest of the time goes to resuming.
		i %= 1000
		f.fault(i >= 120 && i < 200)
		f.pause(100)
	}
	f.heal()
	stop()
	publishers.Wait()
	d.arrived("the last number")
	for _, l := range d.all {
		proctest.Eventually(t, lateFor, func() bool { return l.owes() == "" }, "told of no gap: "+l.owes())
	}
	cancel()
	wg.Wait()
	opened, resumed, gaps, late, twice, total := 0, 0, 0, 0, 0, 0
	for i, l := range d.all {
		for _, m := range l.mistakes {
			t.Errorf("client %d: %s", i, m)
		}
		resumed += l.resumed
		opened, gaps, late, twice, total = opened+l.opened, gaps+l.gaps, late+l.late, twice+l.twice, total+l.newest
	}
	if resumed < opened/10 {
		t.Errorf("of %d connections only %d went on where another one broke: this tests little but gaps", opened, resumed)
	}
	t.Logf("%d cuts (%s): %d numbers for %d clients that connected %d times and resumed %d times; %d gaps, all told, and %d told late; %d numbers came again", cuts(t), f, total, len(d.all), opened, resumed, gaps, late, twice)
}
