package gate

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/conf"
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

// What a rule of the path keeps of a channel, it keeps where the channel is joined; asked
// for as well, it comes no more often.
func TestJoinedChannelsResume(t *testing.T) {
	t.Parallel()
	minute := conf.Duration(time.Minute)
	kept := []channel.Config{
		{Pattern: "mine", Redis: "box:{user}", History: &channel.History{Messages: 100, For: minute}},
		{Pattern: "latest:{id}", Last: true},
	}
	s := newStack(t, func(c *Config) {
		joins := []string{"box:{user}", "latest:{user}"}
		c.SSE = []Socket{{Path: "/events", Channels: slices.Clone(kept), Join: joins}}
		kept[0].Resume = minute
		c.Sockets[0].Channels, c.Sockets[0].Join = kept, joins
	})
	first, second := s.node(), s.node()
	for user, commands := range map[string][]string{"alice": nil, "bob": {"mine"}} {
		token := s.backend.Login(user)
		id := fmt.Sprint(s.backend.UserID(user))
		box, latest := "box:"+id, "latest:"+id
		page, stream := first.socket(token), first.stream(streamPath(token, commands...))
		stream.Expect("position", "")
		first.settled(box)
		s.publish(box, "1")
		page.Expect("1")
		stream.Expect("", "1")
		stream.Expect("position", "")
		page.Close()
		stream.Close()
		proctest.Eventually(t, patience, func() bool { return first.gate.hub.Count() == 0 }, "the breaks are seen")
		s.publish(box, "2")
		s.publish(box, "3")

		page = second.socket(token)
		for got := page.Next(); got != "2"; got = page.Next() {
			if got != "1" { // it may have broken before it was confirmed
				t.Fatalf("got %q", got)
			}
		}
		page.Expect("3")
		stream = second.stream(streamPath(token, commands...), "Last-Event-ID", stream.LastID())
		stream.Expect("", "2")
		stream.Expect("", "3")
		for _, c := range commands {
			page.Send(c)
		}
		page.Send("ping")
		page.Expect("pong")
		for ch, m := range map[string]string{box: "live", latest: "newest"} {
			s.publish(ch, m)
			page.Expect(m)
			for e := stream.Next(); e.Data != m; e = stream.Next() {
				if e.Name != "position" {
					t.Fatalf("%+v came twice", e)
				}
			}
		}
		newcomer := second.socket(token)
		for newcomer.Next() != "newest" { // the other tab may not have confirmed its messages yet
		}
		newcomer.Close()
		page.Close()
		stream.Close()
	}
}
