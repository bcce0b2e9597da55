package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/examples/legacy/app"
)

// backend is the example application, on a port of its own as in real life.
type backend struct {
	addr   string
	server *http.Server
	redis  *redis.Client
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func startBackend(redisURL string) (*backend, error) {
	o, err := redis.ParseURL(redisURL)
	if err != nil {
		return nil, fmt.Errorf("starting the backend: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		return nil, fmt.Errorf("starting the backend: %w", err)
	}
	b := &backend{addr: l.Addr().String(), redis: redis.NewClient(o), cancel: cancel}
	a := app.New(app.Options{Redis: b.redis})
	b.server = &http.Server{Handler: a, ReadHeaderTimeout: 10 * time.Second}
	b.wg.Go(func() { a.Run(ctx) })
	b.wg.Go(func() { _ = b.server.Serve(l) }) // always ErrServerClosed, by stop
	return b, nil
}

func (b *backend) stop() {
	_ = b.server.Close() // a demonstration waits for nobody
	b.cancel()
	b.wg.Wait()
	_ = b.redis.Close()
}
