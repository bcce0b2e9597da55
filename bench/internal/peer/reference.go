//go:build linux

package peer

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wsgate/wsgate/bench/internal/stub"
	"github.com/wsgate/wsgate/bench/internal/swarm"
)

// floor is what the kernel costs and nothing else.
func floor(e Env, merge bool) (*Server, error) {
	args := []string{}
	if merge {
		args = append(args, "-merge")
	}
	s, err := ownServer(e, "floor", args...)
	if err != nil {
		return nil, err
	}
	s.Version = "one thread, epoll, no auth"
	return s, nil
}

// naive is the server written by hand.
func naive(e Env) (*Server, error) {
	s, err := ownServer(e, "naive", "-auth", fmt.Sprintf("http://127.0.0.1:%d%s", e.StubPort, stub.AuthPath))
	if err != nil {
		return nil, err
	}
	s.Version = "gorilla and go-redis of this module"
	return s, nil
}

func ownServer(e Env, name string, args ...string) (*Server, error) {
	program, err := built(e.Bin, name)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	args = append(args, "-port", strconv.Itoa(port), "-redis", strconv.Itoa(e.RedisPort))
	p, err := spawn(e, port, nil, program, args...)
	if err != nil {
		return nil, err
	}
	return &Server{Port: port, process: p, Dialect: plain(e), Publisher: byRedis(e)}, nil
}

// plain is the dialect of wsgate's plain protocol, which the references share.
func plain(e Env) swarm.Dialect {
	return swarm.Dialect{
		Request: func(dst []byte, i int) []byte {
			return swarm.AppendUpgrade(dst, "/ws?token="+e.Token(i), "")
		},
		Opened: subscribeBoth,
	}
}

// field is the word after prefix in s.
func field(s, prefix string) string {
	_, rest, ok := strings.Cut(s, prefix)
	if !ok {
		return "unknown"
	}
	word, _, _ := strings.Cut(rest, " ")
	return strings.TrimSpace(word)
}
