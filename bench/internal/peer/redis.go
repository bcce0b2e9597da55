//go:build linux

package peer

import (
	"fmt"
	"os/exec"
	"strconv"
)

// Redis is the redis-server of a run.
type Redis struct {
	Port    int
	Version string
	process *process
}

// StartRedis starts one without persistence, and without the output limit that
// would cut a subscriber off in a deliberate backlog.
func StartRedis(e Env) (*Redis, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p, err := spawn(e, port, nil, "redis-server", "--port", strconv.Itoa(port), "--bind", "127.0.0.1",
		"--save", "", "--appendonly", "no", "--dir", e.Dir, "--maxclients", "4000",
		"--client-output-buffer-limit", "pubsub 0 0 0")
	if err != nil {
		return nil, fmt.Errorf("peer: redis-server: %w", err)
	}
	out, _ := exec.Command("redis-server", "--version").Output()
	return &Redis{Port: port, Version: field(string(out), "v="), process: p}, nil
}

// Pid is the server's process.
func (r *Redis) Pid() int { return r.process.pid() }

// Stop ends the server.
func (r *Redis) Stop() { r.process.stop() }
