package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// demoRedis is a Redis in this process. Its clock stands still unless someone
// moves it, so a goroutine does: otherwise no login would ever expire.
type demoRedis struct {
	server *miniredis.Miniredis
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// tick is how often the clock moves.
const tick = 250 * time.Millisecond

func startRedis() (*demoRedis, error) {
	server, err := miniredis.Run()
	if err != nil {
		return nil, fmt.Errorf("starting redis: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &demoRedis{server: server, cancel: cancel}
	r.wg.Go(func() { r.run(ctx) })
	return r, nil
}

func (r *demoRedis) run(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case now := <-t.C:
			r.server.FastForward(now.Sub(last))
			last = now
		case <-ctx.Done():
			return
		}
	}
}

func (r *demoRedis) url() string { return "redis://" + r.server.Addr() }

func (r *demoRedis) stop() {
	r.cancel()
	r.wg.Wait()
	r.server.Close()
}
