package gate

import (
	"fmt"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
)

// Two nodes on a Redis Cluster whose links are on different servers of it.
func TestRedisCluster(t *testing.T) {
	t.Parallel()
	servers := proctest.RedisCluster(t, 3)
	s := newStack(t, func(c *Config) { c.Redis.URLs = []string{servers[0].URL(), servers[1].URL()} })
	a := s.node()
	s.cfg.Redis.URLs = []string{servers[2].URL(), servers[1].URL()}
	b := s.node()

	// Many accounts, so that every server has some.
	for i := range 12 {
		account := fmt.Sprint("user", i)
		old, fresh := displacedAt(a, b, account)
		for _, n := range []*node{a, b} {
			proctest.Eventually(t, 2*time.Second, func() bool { return !n.passes(old) }, "the old login is refused")
			if !n.passes(fresh) {
				t.Errorf("the new login of %s is refused", account)
			}
		}
	}

	old := a.socket(s.backend.Login("bob"))
	old.Send("data_imei:7")
	proctest.Eventually(t, patience, func() bool {
		return servers[0].CLI("PUBSUB", "NUMSUB", "data_imei:7") == "data_imei:7\n1"
	}, "the channel is subscribed")
	for _, server := range servers {
		server.CLI("PUBLISH", "data_imei:7", "from "+server.Addr())
		old.Expect("from " + server.Addr())
	}

	live := map[string]bool{}
	for cursor := ""; ; {
		p := b.logins(LoginQuery{Cursor: cursor, Limit: 5})
		if !p.Complete {
			t.Error("not all nodes have answered for their sockets")
		}
		for _, l := range p.Logins {
			live[l.Account] = true
		}
		if cursor = p.Cursor; cursor == "" {
			break
		}
	}
	if len(live) != 13 {
		t.Errorf("%d accounts are listed, want 13", len(live))
	}
}
