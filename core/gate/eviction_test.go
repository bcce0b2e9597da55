package gate

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/wsgate/wsgate/core/proctest"
)

// logBuffer keeps a log. It is safe for concurrent use.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// count is how often a text was logged.
func (l *logBuffer) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// TestEvictionWarning: each connection to a Redis that may evict logins is warned
// of once, and one that may not never.
func TestEvictionWarning(t *testing.T) {
	t.Parallel()
	const warning = "redis may evict logins"
	s := newStack(t)
	open := func() (*Gate, *logBuffer) {
		log := &logBuffer{}
		g, err := Open(s.cfg, Options{Log: slog.New(slog.NewTextHandler(log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = g.Close() })
		proctest.Eventually(t, patience, g.Ready, "redis link is up")
		return g, log
	}
	safe, quiet := open()
	safe.warnEviction(safe.shared.Load().rdb)
	if quiet.count(warning) > 0 {
		t.Error("warned of noeviction")
	}

	s.redis.CLI("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	_, log := open()
	proctest.Eventually(t, patience, func() bool { return log.count("maxmemory-policy=allkeys-lru") == 1 }, "warned")
	s.redis.CLI("CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
	s.redis.CLI("CLIENT", "KILL", "TYPE", "pubsub")
	proctest.Eventually(t, patience, func() bool { return log.count("maxmemory-policy=volatile-ttl") == 1 }, "warned of the next connection")
	proctest.Eventually(t, patience, func() bool { return quiet.count("maxmemory-policy=volatile-ttl") == 1 }, "warned after the policy had changed")
	if n := log.count(warning); n != 2 {
		t.Errorf("%d warnings of two connections", n)
	}
}
