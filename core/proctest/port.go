package proctest

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

var handedOut sync.Map // ports that this process has given to a test

// FreePort returns a port of 127.0.0.1 on which nothing listens. It lies below
// the range from which the kernel takes the ports of outgoing connections, so
// that a server which is killed and started again finds it still free.
func FreePort(tb testing.TB) int {
	tb.Helper()
	for range 1000 {
		port := 10000 + rand.IntN(22000) //nolint:gosec // no secret
		if _, taken := handedOut.LoadOrStore(port, true); taken {
			continue
		}
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		_ = ln.Close()
		return port
	}
	tb.Fatal("proctest: no free port between 10000 and 32000")
	return 0
}
