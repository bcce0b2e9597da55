package proctest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// SentinelMaster is the name that Sentinel gives to the master.
const SentinelMaster = "mymaster"

// RedisSentinel starts a master, a replica of it, and one Sentinel that makes the
// replica the master when the master is silent for half a second. It returns when the
// Sentinel knows the replica. The args are the two servers' own.
func RedisSentinel(tb testing.TB, args ...string) (sentinel, master, replica *RedisServer) {
	tb.Helper()
	master = Redis(tb, args...)
	replica = Redis(tb, append([]string{"--replicaof", "127.0.0.1 " + strconv.Itoa(master.port), "--repl-diskless-sync-delay", "0"}, args...)...)
	conf := filepath.Join(tb.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("sentinel monitor %[1]s 127.0.0.1 %[2]d 1\nsentinel down-after-milliseconds %[1]s 500\n"+
		"sentinel failover-timeout %[1]s 3000\n", SentinelMaster, master.port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	sentinel = redisServer(tb, "Sentinel ID is", conf, "--sentinel")
	Eventually(tb, 30*time.Second, func() bool {
		return sentinel.CLI("SENTINEL", "replicas", SentinelMaster) != "" &&
			slices.Contains(strings.Split(replica.CLI("ROLE"), "\n"), "connected")
	}, "the sentinel knows a replica that is in step")
	return sentinel, master, replica
}
