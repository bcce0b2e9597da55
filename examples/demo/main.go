// Command demo runs all there is to see in one process: Caddy with wsgate and
// Caddyfile.example, an in-process Redis, and the example backend.
//
//	go run ./examples/demo [-listen 127.0.0.1:8080] [-v]
//
// It is a demonstration: its Redis keeps everything in memory and knows no
// cluster, persistence or access control.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:8080", "the `address` to serve on; port 0 picks a free one")
	flag.StringVar(&o.caddyfile, "config", "Caddyfile.example", "the Caddyfile")
	flag.BoolVar(&o.verbose, "v", false, "show Caddy's whole log, the access log included")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

type options struct {
	listen    string
	caddyfile string
	verbose   bool
}

// run starts the parts in the order in which they need each other, and stops
// them in the opposite one when ctx ends.
func run(ctx context.Context, out io.Writer, o options) error {
	redis, err := startRedis()
	if err != nil {
		return err
	}
	defer redis.stop()

	backend, err := startBackend(redis.url())
	if err != nil {
		return err
	}
	defer backend.stop()

	addr, err := startCaddy(o, redis.url(), backend.addr)
	if err != nil {
		return err
	}
	defer stopCaddy()

	fmt.Fprintf(out, whatToTry, addr)
	fmt.Fprintf(out, "ready http://%s\n", addr)
	<-ctx.Done()
	fmt.Fprintln(out, "stopping")
	return nil
}

const whatToTry = `
Open http://%s and log in as admin with admin123.

  1. Open a device: its data arrive over a socket, though the backend knows of
     none. It only publishes in Redis.
  2. Log in as the same account in a private window or another browser: the
     first one is told at once and goes to its login page. Its old token is
     refused from then on.
  3. Log in again in a second tab of one browser: nobody is thrown out.

Ctrl-C ends it.

`
