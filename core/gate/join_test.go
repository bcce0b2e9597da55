package gate

import (
	"testing"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/proctest"
)

func TestSocketsJoin(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) {
		c.Sockets[0].Join = []string{"user:{user}", "data_imei:{claims.user.userName}", "none:{claims.nothing}"}
		c.Limits.ChannelsPerConnection = 1
	})
	n := s.node()
	bob, alice := n.socket(s.backend.Login("bob")), n.socket(s.backend.Login("alice"))
	for _, c := range []string{"user:1", "user:2", "data_imei:bob"} {
		proctest.Eventually(t, patience, func() bool { return s.publish(c, c) == "1" }, "the node listens to "+c)
	}
	s.publish("none:", "nobody's")
	s.publish("user:1", "end")
	s.publish("user:2", "end")
	heard := func(c *proctest.Client) map[string]bool {
		all := map[string]bool{}
		for m := c.Next(); m != "end"; m = c.Next() {
			all[m] = true
		}
		return all
	}
	if got := heard(bob); !got["user:1"] || !got["data_imei:bob"] || len(got) != 2 {
		t.Errorf("bob heard %v", got)
	}
	if got := heard(alice); !got["user:2"] || len(got) != 1 {
		t.Errorf("alice heard %v", got)
	}
	// A command for the same channel changes nothing, taken back or not; and joins
	// don't count against the limit.
	bob.Send("data_imei:bob")
	bob.Send("unsubscribe data_imei:bob")
	bob.Send("ping")
	bob.Expect("pong")
	s.publish("data_imei:bob", "still")
	bob.Expect("still")
}

func TestJoinsOfAJSONConfigurationAreChecked(t *testing.T) {
	t.Parallel()
	g, cfg := newStack(t).node().gate, Config{Sockets: []Socket{{Path: "/x", Channels: []channel.Config{{Pattern: "d:{id}"}}, Join: []string{"wsgate:{user}"}}}}
	if _, err := NewSite(g, cfg, Options{}); err == nil {
		t.Error("a join under the key prefix was accepted")
	}
}
