// Command nodes is many nodes of one realm in one process: each a gate of its own, with
// its own connections to Redis, as if on its own machine. It has no Caddy around it. Node i
// serves sockets at /<i>/ws.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/gate"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/redisconn"
)

func main() {
	port := flag.Int("port", 0, "listen on this port of 127.0.0.1")
	redisPort := flag.Int("redis", 6379, "port of Redis on 127.0.0.1")
	info := flag.String("introspect", "", "URL of an introspection endpoint of RuoYi's shape")
	count := flag.Int("count", 1, "how many nodes")
	flag.Parse()
	nodes, err := open(*count, gate.Config{
		Redis:      redisconn.Config{URLs: []string{fmt.Sprintf("redis://127.0.0.1:%d", *redisPort)}},
		Introspect: introspect.Config{URI: *info, Preset: "ruoyi"},
		Limits:     gate.Limits{UnknownTokens: gate.UnknownTokens{Off: true}},
		Sockets: []gate.Socket{{
			Path: "/ws", Account: &channel.Account{Pattern: "msg:{account}"},
			Channels: []channel.Config{{Pattern: "ch:{id}"}},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", *port), nodes)) //nolint:gosec // a benchmark's
}

// fleet are the nodes' sites.
type fleet []*gate.Site

// open starts nodes and waits until each hears Redis.
func open(count int, cfg gate.Config) (fleet, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	o := gate.Options{
		Log:          slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		OriginalPath: func(r *http.Request) string { _, path := split(r.URL.Path); return path },
	}
	var f fleet
	for range count {
		g, err := gate.Open(cfg, o)
		if err != nil {
			return nil, err
		}
		site, err := gate.NewSite(g, cfg, o)
		if err != nil {
			return nil, err
		}
		for deadline := time.Now().Add(10 * time.Second); !g.Ready(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				return nil, errors.New("nodes: no link to redis")
			}
		}
		f = append(f, site)
	}
	return f, nil
}

// ServeHTTP implements http.Handler.
func (f fleet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i, _ := split(r.URL.Path)
	if i < 0 || i >= len(f) {
		http.NotFound(w, r)
		return
	}
	_ = f[i].ServeHTTP(w, r, func(w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write([]byte("ok"))
		return err
	})
}

// split takes a node's number off a path; -1 where there is none.
func split(path string) (node int, rest string) {
	first, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	i, err := strconv.Atoi(first)
	if err != nil {
		return -1, path
	}
	return i, "/" + rest
}
