package proctest

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// slots is how many hash slots a Redis Cluster has.
const slots = 16384

// RedisCluster starts a Redis Cluster of n masters, which share the slots evenly, and
// returns when all of them are ready. A server that is killed does not come back.
func RedisCluster(tb testing.TB, n int) []*RedisServer {
	tb.Helper()
	nodes := make([]*RedisServer, n)
	bus := make([]string, n)
	for i := range nodes {
		// The default, 10000 above the port, is not always free.
		bus[i] = strconv.Itoa(FreePort(tb))
		nodes[i] = Redis(tb, "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
			"--cluster-port", bus[i], "--cluster-node-timeout", "2000")
		from, to := i*slots/n, (i+1)*slots/n-1
		nodes[i].must("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(from), strconv.Itoa(to))
		nodes[i].must("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
	}
	for i := range nodes[1:] {
		nodes[0].must("CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(nodes[i+1].port), bus[i+1])
	}
	for _, s := range nodes {
		Eventually(tb, 20*time.Second, func() bool {
			info := s.CLI("CLUSTER", "INFO")
			return strings.Contains(info, "cluster_state:ok") &&
				strings.Contains(info, "cluster_known_nodes:"+strconv.Itoa(n)) &&
				strings.Contains(info, "cluster_slots_ok:"+strconv.Itoa(slots))
		}, "the cluster is ready")
	}
	return nodes
}

func (s *RedisServer) must(args ...string) {
	s.tb.Helper()
	if got := s.CLI(args...); got != "OK" {
		s.tb.Fatalf("proctest: redis %s: %s", strings.Join(args, " "), got)
	}
}
