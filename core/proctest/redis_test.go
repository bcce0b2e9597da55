package proctest_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wsgate/wsgate/core/proctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRedisLives(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	if got := s.CLI("PING"); got != "PONG" {
		t.Fatalf("PING: %q", got)
	}
	if got := s.CLI("SET", "k", "v"); got != "OK" {
		t.Fatalf("SET: %q", got)
	}
	s.Kill()
	s.Kill()
	s.Start()
	if got := s.CLI("GET", "k"); got != "" {
		t.Fatalf("a server started again still had %q", got)
	}
	if got := s.CLI("NOSUCH"); !strings.HasPrefix(got, "ERR unknown command") {
		t.Fatalf("error reply: %q", got)
	}
	s.CLI("RPUSH", "l", "a", "b")
	if got := s.CLI("LRANGE", "l", "0", "-1"); got != "a\nb" {
		t.Fatalf("array reply: %q", got)
	}
	if want := "redis://" + s.Addr(); s.URL() != want {
		t.Fatalf("URL %q, want %q", s.URL(), want)
	}
}

func TestRedisPause(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	s.Pause()
	answered := make(chan string, 1)
	go func() { answered <- s.CLI("PING") }()
	select {
	case got := <-answered:
		t.Fatalf("a paused server answered %q", got)
	case <-time.After(100 * time.Millisecond):
	}
	s.Resume()
	if got := <-answered; got != "PONG" {
		t.Fatalf("after resume: %q", got)
	}
}

func TestRedisTakesArguments(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t, "--databases", "3")
	if got := s.CLI("CONFIG", "GET", "databases"); got != "databases\n3" {
		t.Fatalf("CONFIG GET: %q", got)
	}
}

func TestRedisCluster(t *testing.T) {
	t.Parallel()
	nodes := proctest.RedisCluster(t, 3)
	moved := 0
	for _, s := range nodes {
		if got := s.CLI("SET", "k", "v"); strings.HasPrefix(got, "MOVED ") {
			moved++
		} else if got != "OK" {
			t.Fatalf("SET: %q", got)
		}
	}
	if moved != 2 {
		t.Fatalf("%d of 3 masters say that the key is elsewhere, want 2", moved)
	}
}

func TestRedisSentinel(t *testing.T) {
	t.Parallel()
	sentinel, master, replica := proctest.RedisSentinel(t)
	if got := sentinel.CLI("SENTINEL", "get-master-addr-by-name", proctest.SentinelMaster); strings.ReplaceAll(got, "\n", ":") != master.Addr() {
		t.Fatalf("the master is %q, want %s", got, master.Addr())
	}
	master.Kill()
	proctest.Eventually(t, 20*time.Second, func() bool {
		return strings.ReplaceAll(sentinel.CLI("SENTINEL", "get-master-addr-by-name", proctest.SentinelMaster), "\n", ":") == replica.Addr()
	}, "the replica is the master")
}
