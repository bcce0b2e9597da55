package proctest

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// RedisServer is a redis-server process of one test. It keeps nothing on disk:
// started again it is empty.
type RedisServer struct {
	tb    testing.TB
	path  string
	conf  string // a configuration file; none if empty
	ready string // what it prints when it is
	args  []string
	port  int
	proc  *process
	out   *output
}

// Redis starts a redis-server on a free port of 127.0.0.1 and returns when it
// accepts connections. The args are redis-server's own, such as "--maxclients",
// "10", and win over the helper's. A machine without redis-server fails the test.
func Redis(tb testing.TB, args ...string) *RedisServer {
	tb.Helper()
	return redisServer(tb, "Ready to accept connections", "", args...)
}

func redisServer(tb testing.TB, ready, conf string, args ...string) *RedisServer {
	tb.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		tb.Fatalf("proctest: this test needs redis-server; `make test` installs it: %v", err)
	}
	s := &RedisServer{tb: tb, path: path, conf: conf, ready: ready, args: args, out: newOutput()}
	tb.Cleanup(func() {
		if s.proc != nil {
			s.proc.kill()
		}
	})
	// Another process may take the port between the choice and the bind.
	for range 5 {
		s.port = FreePort(tb)
		if s.start() {
			return s
		}
		if !strings.Contains(s.out.String(), "Address already in use") {
			break
		}
	}
	tb.Fatalf("proctest: redis-server did not start:\n%s", s.out)
	return nil
}

// start reports whether the server got as far as accepting connections.
func (s *RedisServer) start() bool {
	s.tb.Helper()
	var args []string
	if s.conf != "" {
		args = append(args, s.conf)
	}
	args = append(args,
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.tb.TempDir(),
		"--save", "", "--appendonly", "no", "--daemonize", "no")
	args = append(args, s.args...)
	mark := s.out.len()
	p, err := start(exec.Command(s.path, args...), s.out) //nolint:gosec // the test's own arguments
	if err != nil {
		s.tb.Fatalf("proctest: start redis-server: %v", err)
	}
	s.proc = p
	// Waiting for its own log line and not for a PING: on a port that somebody
	// else has taken, a PING may be answered by the wrong server.
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if s.out.await(ctx, p, mark, s.ready) {
		return true
	}
	p.kill()
	return false
}

// URL is the server's address, redis://127.0.0.1:<port>.
func (s *RedisServer) URL() string { return "redis://" + s.Addr() }

// Addr is the server's address, 127.0.0.1:<port>.
func (s *RedisServer) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.port) }

// Output is everything that the server printed, over all its lives.
func (s *RedisServer) Output() string { return s.out.String() }

// Kill ends the server with SIGKILL and waits until it is gone. Connections to it
// are reset and its data are lost. On a killed server it does nothing.
func (s *RedisServer) Kill() { s.proc.kill() }

// Start starts a killed server again, on the same port and empty.
func (s *RedisServer) Start() {
	s.tb.Helper()
	select {
	case <-s.proc.exited:
	default:
		s.tb.Fatal("proctest: redis-server still runs; Kill comes before Start")
	}
	if !s.start() {
		s.tb.Fatalf("proctest: redis-server did not start again:\n%s", s.out)
	}
}

// Pause stops the server with SIGSTOP: connections stay open and nothing answers.
func (s *RedisServer) Pause() {
	s.tb.Helper()
	s.proc.signal(s.tb, syscall.SIGSTOP)
}

// Resume lets a paused server go on.
func (s *RedisServer) Resume() {
	s.tb.Helper()
	s.proc.signal(s.tb, syscall.SIGCONT)
}
