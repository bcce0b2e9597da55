// Command xbuild builds Caddy with plugins from a JSON file, for xcaddy's own
// command reads none: the file is an xcaddy.Builder, and wsgate's own is
// xcaddy.json.
//
//	go run ./cmd/xbuild [-config xcaddy.json] [-output caddy]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	config := flag.String("config", "xcaddy.json", "the `file` with an xcaddy.Builder as JSON")
	output := flag.String("output", "caddy", "the `file` to write the executable to")
	flag.Parse()
	if err := run(*config, *output, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(config, output string, rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("xbuild: unexpected argument %q: there are only -config and -output", rest[0])
	}
	b, err := load(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := b.Build(ctx, output); err != nil {
		return fmt.Errorf("xbuild: %w", err)
	}
	return nil
}
