package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/proctest"
)

// documentedACL is what docs/operations.md tells to grant.
func documentedACL(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^ACL SETUSER wsgate .*$`).FindString(string(text))
	if line == "" {
		t.Fatal("docs/operations.md grants nothing")
	}
	return strings.Fields(strings.Replace(line, ">…", ">secret", 1))
}

// TestKindsOfRedis runs a site of two processes on every kind of Redis that may be named:
// a newer login ends the older one, messages come, and nothing is refused.
func TestKindsOfRedis(t *testing.T) {
	t.Parallel()
	type kind struct {
		line    string // in the Caddyfile
		publish string
		servers []*proctest.RedisServer // publish goes to the first
	}
	for name, start := range map[string]func(t *testing.T) kind{
		"a socket file": func(t *testing.T) kind {
			file := filepath.Join(t.TempDir(), "redis.sock")
			s := proctest.Redis(t, "--unixsocket", file)
			return kind{"unix://" + file, "PUBLISH", []*proctest.RedisServer{s}}
		},
		"TLS and the documented user": func(t *testing.T) kind {
			_, _, cert, key := privateCA(t, "localhost")
			port := strconv.Itoa(proctest.FreePort(t))
			s := proctest.Redis(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert)
			if got := s.CLI(documentedACL(t)...); got != "OK" {
				t.Fatal(got)
			}
			return kind{"rediss://localhost:" + port + " {\n\t\t\tusername wsgate\n\t\t\tpassword secret\n\t\t\ttls_ca " + cert +
				"\n\t\t\ttls_cert " + cert + "\n\t\t\ttls_key " + key + "\n\t\t}", "PUBLISH", []*proctest.RedisServer{s}}
		},
		"a Cluster": func(t *testing.T) kind {
			nodes := proctest.RedisCluster(t, 3)
			return kind{nodes[0].URL() + " " + nodes[1].URL(), "PUBLISH", nodes}
		},
		"a Cluster with sharded pub/sub": func(t *testing.T) kind {
			nodes := proctest.RedisCluster(t, 3)
			line := nodes[0].URL() + " " + nodes[1].URL() + " {\n\t\t\tsharded_pubsub\n\t\t}"
			for i, n := range nodes { // an SPUBLISH goes to the channel's own
				if !strings.HasPrefix(n.CLI("SPUBLISH", "data_imei:1", ""), "MOVED") {
					nodes[0], nodes[i] = nodes[i], nodes[0]
				}
			}
			return kind{line, "SPUBLISH", nodes}
		},
		"Sentinel": func(t *testing.T) kind {
			sentinel, master, _ := proctest.RedisSentinel(t)
			return kind{sentinel.URL() + " {\n\t\t\tsentinel " + proctest.SentinelMaster + "\n\t\t}", "PUBLISH", []*proctest.RedisServer{master}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, backend := start(t), proctest.Backend(t)
			file := strings.Replace(site(k.servers[0], backend, "", "", ""), "redis "+k.servers[0].URL(), "redis "+k.line, 1)
			a, b := proctest.Caddy(t, file), proctest.Caddy(t, file)
			ready(t, a)
			ready(t, b)
			old := backend.Login("bob")
			page := socket(t, a, old)
			page.Send("data_imei:1")
			pong(page)
			proctest.Eventually(t, patience, func() bool {
				return slices.ContainsFunc(k.servers, func(s *proctest.RedisServer) bool {
					all, shard := s.CLI("PUBSUB", "NUMSUB", "data_imei:1"), s.CLI("PUBSUB", "SHARDNUMSUB", "data_imei:1")
					return strings.HasSuffix(all, "\n1") || strings.HasSuffix(shard, "\n1")
				})
			}, "a subscription")
			k.servers[0].CLI(k.publish, "data_imei:1", "hello")
			page.Expect("hello")
			live := socket(t, b, backend.Login("bob"))
			page.Expect("loginOut")
			page.ExpectClose(4501)
			if _, body := get(t, a, "/orders", old); !strings.Contains(body, `"code":401`) {
				t.Errorf("a request of the older login reached the backend: %s", body)
			}
			pong(live)
			for _, c := range []*proctest.CaddyServer{a, b} {
				if logs := c.Logs(); strings.Contains(logs, "NOPERM") || strings.Contains(logs, "CROSSSLOT") || strings.Contains(logs, "MOVED") {
					t.Errorf("refused by Redis: %s", logs)
				}
			}
		})
	}
}
