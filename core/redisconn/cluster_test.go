package redisconn_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/pubsub"
	"github.com/wsgate/wsgate/core/redisconn"
)

// linkTo starts a link that tells of its ups and messages.
func linkTo(t *testing.T, cfg redisconn.Config) (link *pubsub.Link, up chan struct{}, got chan string) {
	t.Helper()
	up, got = make(chan struct{}, 16), make(chan string, 16)
	link = pubsub.New(func(wrap pubsub.DialWrap) *redis.Client {
		c, err := redisconn.OpenLink(cfg, nil, redisconn.Options{WrapDial: wrap})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}, pubsub.Handler{
		Up:      func() { up <- struct{}{} },
		Message: func(_ string, payload []byte) { got <- string(payload) },
	}, pubsub.Options{})
	t.Cleanup(link.Close)
	return link, up, got
}

func TestCluster(t *testing.T) {
	t.Parallel()
	nodes := proctest.RedisCluster(t, 3)
	// The one address is dead, the other leads to all nodes.
	cfg := redisconn.Config{URLs: []string{"redis://127.0.0.1:1", nodes[1].URL()}}
	c, err := redisconn.Open(cfg, nil, redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for key := range strings.FieldsSeq("a b c d e f g h") {
		if err := c.Set(t.Context(), key, "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range nodes {
		if s.CLI("DBSIZE") == "0" {
			t.Errorf("%s has no key", s.Addr())
		}
	}

	link, up, got := linkTo(t, redisconn.Config{URLs: []string{nodes[0].URL(), nodes[1].URL()}})
	link.Subscribe("channel")
	<-up
	for _, s := range nodes {
		s.CLI("PUBLISH", "channel", s.Addr())
		if m := <-got; m != s.Addr() {
			t.Fatalf("got %q, want %q", m, s.Addr())
		}
	}
	if n, err := redisconn.Subscribers(t.Context(), c, "channel"); n != 1 || err != nil {
		t.Fatalf("%d subscribers and %v, want 1", n, err)
	}

	nodes[0].Kill()
	<-up
	nodes[2].CLI("PUBLISH", "channel", "after")
	if m := <-got; m != "after" {
		t.Fatalf("got %q after the link's node died", m)
	}
}

func TestSentinel(t *testing.T) {
	t.Parallel()
	sentinel, master, replica := proctest.RedisSentinel(t)
	for _, s := range []*proctest.RedisServer{master, replica} {
		s.CLI("ACL", "SETUSER", "gate", "on", ">secret", "~*", "&*", "+@all")
	}
	cfg := redisconn.Config{
		URLs: []string{"redis://127.0.0.1:1/2", sentinel.URL() + "/2"}, Sentinel: proctest.SentinelMaster, Username: "gate", Password: "secret",
	}
	c, err := redisconn.Open(cfg, nil, redisconn.Options{ClientName: "wsgate-test"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n := redisconn.DB(c); n != 2 {
		t.Errorf("database %d, want 2", n)
	}
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	link, up, got := linkTo(t, cfg)
	link.Subscribe("channel")
	<-up

	// Not killed: the link has to find out by itself that nobody publishes here any more.
	master.Pause()
	<-up
	proctest.Eventually(t, 20*time.Second, func() bool { return c.Publish(t.Context(), "channel", "after").Err() == nil }, "commands reach the new master")
	if m := <-got; m != "after" {
		t.Fatalf("got %q from the new master", m)
	}
	master.Resume()
}
