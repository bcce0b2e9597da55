// Command legacy runs the example backend by itself: an ordinary web
// application on one address, and a Redis that it publishes device data to.
//
//	go run ./examples/legacy -listen 127.0.0.1:8080 -redis redis://127.0.0.1:6379
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/wsgate/wsgate/examples/legacy/app"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to serve on; port 0 picks a free one")
	url := flag.String("redis", "redis://127.0.0.1:6379", "Redis that device data are published to")
	tick := flag.Duration("tick", time.Second, "time between two reports of a device")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, *listen, *url, *tick); err != nil {
		slog.Error("stopped", "err", err)
		os.Exit(1)
	}
}

// run serves until ctx ends or the listener fails, and tells out where.
func run(ctx context.Context, out io.Writer, listen, url string, tick time.Duration) error {
	o, err := redis.ParseURL(url)
	if err != nil {
		return fmt.Errorf("-redis: %w", err)
	}
	// The application reports an outage once, and has no use for old reports.
	logging.Disable()
	o.DialerRetries, o.MaxRetries = 1, -1
	client := redis.NewClient(o)
	defer client.Close()

	l, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	a := app.New(app.Options{Redis: client, Tick: tick})
	ctx, cancel := context.WithCancel(ctx)
	simulated := make(chan struct{})
	go func() { defer close(simulated); a.Run(ctx) }()
	defer func() { cancel(); <-simulated }()

	srv := &http.Server{Handler: a, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	fmt.Fprintf(out, "ready http://%s\n", l.Addr())

	select {
	case err = <-served:
	case <-ctx.Done():
		grace, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer done()
		err = srv.Shutdown(grace)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
