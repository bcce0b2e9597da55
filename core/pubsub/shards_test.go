package pubsub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/pubsub"
	"github.com/wsgate/wsgate/core/redisconn"
)

func TestShards(t *testing.T) {
	t.Parallel()
	nodes := proctest.RedisCluster(t, 3)
	cfg := redisconn.Config{URLs: []string{nodes[0].URL(), nodes[1].URL()}, ShardedPubsub: true}
	rdb, err := redisconn.Open(cfg, nil, redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer rdb.Close()
	cluster := rdb.(*redis.ClusterClient) //nolint:forcetypeassert // the configuration is one of a cluster
	client := func(c *redis.Client, err error) *redis.Client {
		if err != nil {
			t.Error(err)
		}
		return c
	}
	r := newRecord()
	s := pubsub.NewShards(pubsub.Cluster{
		Client:  cluster,
		Control: func(channel string) bool { return strings.HasPrefix(channel, "control:") },
		Open: func(addr string, wrap pubsub.DialWrap) *redis.Client {
			return client(redisconn.OpenNode(cfg, addr, nil, redisconn.Options{WrapDial: wrap}))
		},
		OpenControl: func(wrap pubsub.DialWrap) *redis.Client {
			return client(redisconn.OpenLink(cfg, nil, redisconn.Options{WrapDial: wrap}))
		},
	}, r.handler(), pubsub.Options{Linger: -1})
	defer s.Close()

	const channels = 16 // so that every server has some
	name := func(i int) string { return fmt.Sprint("c", i) }
	for i := range channels {
		s.Subscribe(name(i))
		s.Subscribe(name(i))
	}
	s.Subscribe("control:a")
	live := func(name string) {
		t.Helper()
		if err := s.Await(t.Context(), name); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	send := func(name, payload string) {
		t.Helper()
		if err := cluster.SPublish(t.Context(), name, payload).Err(); err != nil {
			t.Fatal(err)
		}
		proctest.Eventually(t, 5*time.Second, r.has(name+"="+payload), "the message arrives")
	}
	for i := range channels {
		live(name(i))
		send(name(i), "first")
	}
	live("control:a")
	nodes[2].CLI("PUBLISH", "control:a", "x")
	proctest.Eventually(t, 5*time.Second, r.has("control:a=x"), "what is not sharded arrives")

	moveSlot(t, nodes, name(0))
	proctest.Eventually(t, 10*time.Second, func() bool { return r.count("gap "+name(0)) == 2 }, "the channel is told as a gap when it goes, and when it is back")
	send(name(0), "second")
	proctest.Eventually(t, 10*time.Second, s.Ready, "all is well again")

	for i := range channels {
		s.Unsubscribe(name(i))
		s.Unsubscribe(name(i))
	}
	s.Subscribe(name(1))
	live(name(1))
	send(name(1), "second")
	if err := s.Await(t.Context(), name(2)); err == nil {
		t.Error("a channel that nobody asked for is awaited")
	}
	proctest.Eventually(t, 20*time.Second, func() bool {
		n := 0
		for _, node := range nodes {
			n += strings.Count(node.CLI("CLIENT", "LIST"), "ssub=1")
		}
		return n == 1
	}, "the channels that nobody wants are given up")
	for i := range channels {
		want := 1
		if i < 2 {
			want = 2
		}
		if got := r.count(name(i)+"=first") + r.count(name(i)+"=second"); got != want {
			t.Errorf("%d messages of %s, want %d", got, name(i), want)
		}
	}
}

// moveSlot moves the slot of a channel to another server.
func moveSlot(t *testing.T, nodes []*proctest.RedisServer, channel string) {
	t.Helper()
	slot := nodes[0].CLI("CLUSTER", "KEYSLOT", channel)
	for _, node := range nodes {
		if !strings.HasPrefix(node.CLI("GET", channel), "MOVED") {
			continue
		}
		id := node.CLI("CLUSTER", "MYID")
		for _, n := range append([]*proctest.RedisServer{node}, nodes...) {
			if got := n.CLI("CLUSTER", "SETSLOT", slot, "NODE", id); got != "OK" {
				t.Fatalf("moving the slot: %s", got)
			}
		}
		return
	}
	t.Fatal("no server is without the slot")
}
