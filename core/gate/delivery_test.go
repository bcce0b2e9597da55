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
	nodes  []*proctest.TCPProxy // where it connects, one after another by chance
	token  string
	number int // of its channel

	mu       sync.Mutex
	newest   int  // the newest number
	told     bool // of a gap since
	gaps     int  // jumps it was told of
	twice    int  // numbers that came again
	opened   int
	mistakes []string
}

func (l *listener) run(ctx context.Context) {
	for ctx.Err() == nil {
		addr := l.nodes[rand.IntN(len(l.nodes))].Addr()
		conn, _, err := (&websocket.Dialer{HandshakeTimeout: 2 * time.Second}).DialContext(ctx, "ws://"+addr+"/ws?token="+l.token, nil)
		if err == nil {
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			l.listen(conn)
			stop()
			_ = conn.Close()
		}
		select {
		case <-time.After(time.Duration(rand.IntN(30)) * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (l *listener) listen(conn *websocket.Conn) {
	if conn.WriteMessage(websocket.TextMessage, fmt.Append(nil, "n:", l.number)) != nil {
		return
	}
	l.mu.Lock()
	l.opened++
	l.mu.Unlock()
	for {
		// A page has no time-out of its own; this one has the heartbeat's.
		_ = conn.SetReadDeadline(time.Now().Add(3 * time.Second))
		_, p, err := conn.ReadMessage()
		if err != nil {
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
		return
	}
	n, err := strconv.Atoi(strings.TrimLeft(text, "-"))
	switch {
	case err != nil:
		l.mistakes = append(l.mistakes, "got "+text)
		return
	case n <= l.newest:
		l.twice++
		return
	case n > l.newest+1 && l.newest > 0 && !l.told:
		l.mistakes = append(l.mistakes, fmt.Sprintf("%d to %d were lost without a word", l.newest+1, n-1))
	case n > l.newest+1 && l.newest > 0:
		l.gaps++
	}
	l.newest, l.told = n, false
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

// TestDeliveryReconciles reconciles: numbers are published, while connections of clients and of
// nodes to Redis are cut and stalled at random, and each client ends with each number,
// or with a word before the first that it misses.
func TestDeliveryReconciles(t *testing.T) {
	const nodes, channels, perChannel = 2, 4, 3
	s := newStack(t, func(c *Config) {
		gap := "gap"
		c.Login.Limit = channels * perChannel
		c.Sockets = []Socket{{
			Path: "/ws", Ping: conf.Duration(time.Second), Messages: Messages{Gap: &gap},
			Channels: []channel.Config{{Pattern: "n:{id}", History: &channel.History{Messages: 10_000, For: conf.Duration(time.Minute)}, Resume: conf.Duration(time.Minute)}},
		}}
	})
	var links, fronts []*proctest.TCPProxy
	for range nodes {
		link := proctest.Proxy(t, s.redis.Addr())
		s.cfg.Redis.URLs = []string{"redis://" + link.Addr()}
		n := s.node()
		links, fronts = append(links, link), append(fronts, proctest.Proxy(t, n.srv.Listener.Addr().String()))
	}

	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	var all []*listener
	for i := range channels * perChannel {
		l := &listener{nodes: fronts, token: s.backend.Login(fmt.Sprint("user", i)), number: i % channels}
		all = append(all, l)
		wg.Go(func() { l.run(ctx) })
	}
	rdb := redis.NewClient(&redis.Options{Addr: s.redis.Addr()})
	defer rdb.Close()
	var published [channels]atomic.Int64
	publish := func(ch int) bool {
		pad := strings.Repeat("-", rand.IntN(300))
		return rdb.Publish(ctx, fmt.Sprint("n:", ch), pad+fmt.Sprint(published[ch].Add(1))).Err() == nil
	}
	publishing, stop := context.WithCancel(ctx)
	var publishers sync.WaitGroup
	for ch := range channels {
		publishers.Go(func() {
			for publishing.Err() == nil && publish(ch) {
				select {
				case <-time.After(time.Duration(rand.IntN(10)) * time.Millisecond):
				case <-publishing.Done():
				}
			}
		})
	}
	// arrived waits until everybody has what was published by now; who was told of a
	// gap may have missed it, so it goes on publishing.
	arrived := func(what string) {
		t.Helper()
		for _, l := range all {
			n := int(published[l.number].Load())
			proctest.Eventually(t, patience, func() bool { return l.has(n) || publish(l.number) && l.has(n) }, what)
		}
	}
	arrived("everybody listens")
	for i := range cuts(t) {
		front, link := fronts[rand.IntN(nodes)], links[rand.IntN(nodes)]
		pause := func(most int) { // the length of a fault is what is tested, not waited for
			select {
			case <-time.After(time.Duration(rand.IntN(most)) * time.Millisecond):
			case <-ctx.Done():
			}
		}
		switch f := rand.IntN(10); {
		case f < 5:
			front.CutOne()
		case f < 6:
			front.Cut()
		case f < 8:
			front.Stall()
			pause(200)
			front.Cut()
			front.Go()
		case i%5 == 0:
			link.Stall()
			pause(100)
			link.Cut()
			link.Go()
		default:
			link.Cut()
		}
		pause(100)
	}
	stop()
	publishers.Wait()
	arrived("the last number")
	cancel()
	wg.Wait()
	opened, gaps, twice, total := 0, 0, 0, 0
	for i, l := range all {
		for _, m := range l.mistakes {
			t.Errorf("client %d: %s", i, m)
		}
		opened, gaps, twice, total = opened+l.opened, gaps+l.gaps, twice+l.twice, total+l.newest
	}
	t.Logf("%d cuts: %d numbers for %d clients that connected %d times; %d gaps, all told; %d numbers came again", cuts(t), total, len(all), opened, gaps, twice)
}
