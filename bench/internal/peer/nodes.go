//go:build linux

package peer

import (
	"fmt"
	"strconv"

	"github.com/wsgate/wsgate/bench/internal/stub"
)

// nodes starts many nodes in one process.
func nodes(count int) func(Env) (*Server, error) {
	return func(e Env) (*Server, error) {
		s, err := ownServer(e, fmt.Sprint("nodes-", count), "-count", strconv.Itoa(count),
			"-introspect", fmt.Sprintf("http://127.0.0.1:%d%s", e.StubPort, stub.InfoPath))
		if err != nil {
			return nil, err
		}
		s.Version, s.Nodes = commit(e.Root), count
		return s, nil
	}
}
