package gate

import (
	"fmt"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/proctest"
)

// Two nodes on a Redis Cluster whose links are on different servers of it.
func TestRedisCluster(t *testing.T) {
	t.Parallel()
	servers := proctest.RedisCluster(t, 3)
	s := newStack(t, func(c *Config) {
		c.Redis.URLs = []string{servers[0].URL(), servers[1].URL()}
		c.Sockets[0].Channels[0].Publish = &channel.Publish{}
	})
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

	old.Send("publish data_imei:7 from a client")
	old.Expect("from a client")

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

// What is published with SPUBLISH, by the backend and by a client.
func TestShardedPubsub(t *testing.T) {
	t.Parallel()
	servers := proctest.RedisCluster(t, 3)
	s := newStack(t, func(c *Config) {
		c.Redis.URLs = []string{servers[0].URL(), servers[1].URL()}
		c.Redis.ShardedPubsub = true
		c.Sockets[0].Channels[0].Publish = &channel.Publish{}
	})
	a, b := s.node(), s.node()
	alice, bob := a.socket(s.backend.Login("alice")), b.socket(s.backend.Login("bob"))
	for i := range 6 {
		name := fmt.Sprint("data_imei:", i)
		alice.Send(name)
		bob.Send(name)
		proctest.Eventually(t, patience, func() bool {
			for _, server := range servers {
				if server.CLI("PUBSUB", "SHARDNUMSUB", name) == name+"\n2" {
					return true
				}
			}
			return false
		}, "the channel is subscribed by both")
		alice.Send("publish " + name + " hello")
		alice.Expect("hello")
		bob.Expect("hello")
	}
	old, fresh := displacedAt(a, b, "carol")
	proctest.Eventually(t, 2*time.Second, func() bool { return !a.passes(old) && a.passes(fresh) }, "the older login is refused, not the newer one")
}
