//go:build linux

package scenario

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/bench/internal/hist"
	"github.com/wsgate/wsgate/bench/internal/report"
	"github.com/wsgate/wsgate/bench/internal/stub"
)

// nodes is what a login costs the nodes and their Redis, by how many nodes there are:
// each displaces a login of the same account on another node, of which all nodes hear.
var nodes = Scenario{
	Name:    "nodes",
	Title:   "Logins that displace one on another node, by the number of nodes on one Redis",
	Servers: []string{"nodes-1", "nodes-10", "nodes-30", "nodes-100"},
	Columns: []report.Column{
		{Name: "logins/s", Digits: 0},
		{Name: "Redis CPU µs/login", Digits: 0},
		{Name: "Redis commands/login", Digits: 1, Plain: true},
		{Name: "Redis KiB out/login", Digits: 1, Plain: true},
		{Name: "nodes' CPU µs/login", Digits: 0},
		{Name: "displaced p50 ms", Digits: 1},
		{Name: "displaced p99 ms", Digits: 1},
		{Name: "Redis CPU % idle", Digits: 2, Plain: true},
		{Name: "nodes' CPU % idle", Digits: 2, Plain: true},
		{Name: "other CPU %", Plain: true},
	},
	Run: func(r *Rig) ([]Reading, error) {
		r.pids = r.Server.Pids()
		rdb := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", r.Redis.Port)})
		defer rdb.Close() //nolint:errcheck // a benchmark's
		// Some first, whose sockets stay: code and connections are warm, and idle has
		// logins to look after.
		warm := r.displace(r.sockets(320) / 2)
		defer warm.close()
		if warm.err != nil {
			return nil, warm.err
		}
		r.Loop.RunFor(r.Rest / 4)
		m := r.start()
		r.Loop.RunFor(r.Idle / 2)
		still := r.stop(m)

		before, err := redisStats(rdb)
		if err != nil {
			return nil, err
		}
		m = r.start()
		d := r.displace(r.sockets(2000))
		defer d.close()
		busy := r.stop(m)
		after, err := redisStats(rdb)
		if err = errors.Join(err, d.err); err != nil {
			return nil, err
		}
		n := d.late.Count()
		return reading(
			float64(n)/busy.wall.Seconds(),
			per(micros(busy.redis.Total), n),
			per(float64(after.commands-before.commands), n), per(float64(after.out-before.out)/1024, n),
			per(micros(busy.server.Total), n),
			millis(d.late.Quantile(0.5)), millis(d.late.Quantile(0.99)),
			share(still.redis.Total, still.wall), share(still.server.Total, still.wall),
			share(busy.other, busy.wall),
		), nil
	},
}

// displacers is how many accounts log in again and again.
const displacers = 16

// displacement is what became of the logins.
type displacement struct {
	mu   sync.Mutex
	late hist.Hist // from when a login began until the one before it was told
	err  error
	last []*websocket.Conn
}

func (d *displacement) close() {
	for _, c := range d.last {
		_ = c.Close()
	}
}

// displace makes n logins, each on the node after the one of the same account's last,
// whose socket must then be told and closed.
func (r *Rig) displace(n int) *displacement {
	d := &displacement{}
	count := r.Server.Nodes
	r.logins++
	var left atomic.Int64
	var ended sync.WaitGroup
	left.Store(displacers)
	for account := range displacers {
		turn := r.logins
		ended.Go(func() {
			defer left.Add(-1)
			var last *websocket.Conn
			for k := 0; k <= max(1, n/displacers); k++ {
				node := (account*7 + k) % count
				token := stub.Token(fmt.Sprint(r.run, turn, ".", k), account)
				began := time.Now()
				c, _, err := websocket.DefaultDialer.Dial(fmt.Sprintf("ws://127.0.0.1:%d/%d/ws?token=%s", r.Server.Port, node, token), nil)
				if err == nil && last != nil {
					err = told(last)
				}
				took := time.Since(began)
				if err != nil {
					d.fail(fmt.Errorf("login %d of account %d: %w", k, account, err))
					return
				}
				if last != nil {
					_ = last.Close()
					d.add(took)
				}
				last = c
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.last = append(d.last, last)
		})
	}
	r.Loop.RunUntil(5*time.Minute, func() bool { return left.Load() == 0 })
	ended.Wait()
	return d
}

// told waits until a socket is told that its login was displaced.
func told(c *websocket.Conn) error {
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, p, err := c.ReadMessage()
	if err != nil {
		return err
	}
	if string(p) != "loginOut" {
		return fmt.Errorf("got %q, want loginOut", p)
	}
	return nil
}

func (d *displacement) add(took time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.late.Add(int64(took))
}

func (d *displacement) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = errors.Join(d.err, err)
}

// stats are counters of Redis.
type stats struct{ commands, out uint64 }

func redisStats(rdb *redis.Client) (s stats, err error) {
	info, err := rdb.Info(context.Background(), "stats").Result()
	if err != nil {
		return stats{}, fmt.Errorf("redis info: %w", err)
	}
	for line := range strings.SplitSeq(info, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "total_commands_processed":
			s.commands, err = strconv.ParseUint(value, 10, 64)
		case "total_net_output_bytes":
			s.out, err = strconv.ParseUint(value, 10, 64)
		}
		if err != nil {
			return stats{}, fmt.Errorf("redis info: %w", err)
		}
	}
	return s, nil
}
