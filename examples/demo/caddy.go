package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/wsgate/wsgate/caddymodule"
)

// startCaddy runs the Caddyfile and returns the address that it listens on.
func startCaddy(o options, redisURL, backendAddr string) (string, error) {
	addr, err := freeAddr(o.listen)
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	for name, value := range map[string]string{
		"SITE":      ":" + port,
		"REDIS_URL": redisURL,
		"BACKEND":   backendAddr,
	} {
		if err := os.Setenv(name, value); err != nil {
			return "", err
		}
	}
	body, err := os.ReadFile(o.caddyfile)
	if err != nil {
		return "", fmt.Errorf("%w (run it in the folder of %s, or name the file with -config)", err, o.caddyfile)
	}
	config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(body, map[string]any{"filename": o.caddyfile})
	if err != nil {
		return "", err
	}
	for _, w := range warnings {
		fmt.Fprintln(os.Stderr, w)
	}
	if config, err = forDemo(config, addr, o.verbose); err != nil {
		return "", err
	}
	if err := caddy.Load(config, true); err != nil {
		return "", err
	}
	return addr, nil
}

func stopCaddy() {
	if err := caddy.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
	}
}

// freeAddr turns port 0 into a port that is free right now.
func freeAddr(addr string) (string, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// forDemo changes what concerns the process and not the site: no admin endpoint
// and no saved configuration, one address instead of all interfaces, a quiet
// log, and an end that keeps nobody waiting.
func forDemo(config []byte, addr string, verbose bool) ([]byte, error) {
	var c map[string]any
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, err
	}
	c["admin"] = map[string]any{"disabled": true, "config": map[string]any{"persist": false}}
	for _, s := range servers(c) {
		s["listen"] = []string{addr}
	}
	if !verbose {
		for name, l := range object(c, "logging", "logs") {
			l, ok := l.(map[string]any)
			if !ok {
				continue
			}
			l["level"] = "ERROR"   // plain HTTP on one address has warnings of its own
			if name != "default" { // an access log
				l["writer"] = map[string]any{"output": "discard"}
			}
		}
	}
	eachHandler(c, "wsgate", func(h map[string]any) { h["drain"] = "0s" })
	return json.Marshal(c)
}

func servers(c map[string]any) []map[string]any {
	var all []map[string]any
	for _, s := range object(c, "apps", "http", "servers") {
		if s, ok := s.(map[string]any); ok {
			all = append(all, s)
		}
	}
	return all
}

// object walks down to an object, or returns nil.
func object(c map[string]any, path ...string) map[string]any {
	for _, p := range path {
		c, _ = c[p].(map[string]any)
	}
	return c
}

// eachHandler calls f for each handler of that name, however deep it stands.
func eachHandler(v any, name string, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		if v["handler"] == name {
			f(v)
		}
		for _, inner := range v {
			eachHandler(inner, name, f)
		}
	case []any:
		for _, inner := range v {
			eachHandler(inner, name, f)
		}
	}
}
