package gate

import (
	"errors"
	"testing"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/proctest"
)

// room adds a channel that clients may publish to, those of one user only.
func room(c *Config) {
	c.Sockets[0].Channels = append(c.Sockets[0].Channels,
		channel.Config{Pattern: "room:{id}", Redis: "chat:{id}", Publish: &channel.Publish{
			Authorize: &channel.Authorize{When: "params.id != 'news'"},
		}},
		// Leads under the key prefix, where nobody may publish.
		channel.Config{Pattern: "wsgat{x}:{id}", Publish: &channel.Publish{}},
	)
}

func TestClientsPublish(t *testing.T) {
	t.Parallel()
	s := newStack(t, room)
	a, b := s.node(), s.node()
	bob, alice := a.socket(s.backend.Login("bob")), b.socket(s.backend.Login("alice"))
	for _, c := range []*proctest.Client{bob, alice} {
		c.Send("room:1")
	}
	proctest.Eventually(t, patience, func() bool { return s.publish("chat:1", "both") == "2" }, "both nodes listen")
	for _, c := range []*proctest.Client{bob, alice} {
		for c.Next() != "both" {
		}
	}
	alice.Send("publish room:1 {\"hello\": \"bob\"}")
	bob.Send("publish room:1 second ")
	got := map[string]bool{alice.Next(): true, alice.Next(): true}
	if !got[`{"hello": "bob"}`] || !got["second "] {
		t.Errorf("alice heard %v", got)
	}
	for _, c := range []struct{ send, want string }{
		{"publish room:news hello", "error:forbidden publish room:news"},
		{"publish data_imei:1 hello", "error:forbidden publish data_imei:1"},
		{"publish wsgate:0 hello", "error:forbidden publish wsgate:0"},
	} {
		alice.Send(c.send)
		alice.Expect(c.want)
	}
	if n := b.gate.metrics.published.Load(); n != 1 {
		t.Errorf("%d publishes counted, want 1", n)
	}
	s.redis.Kill()
	alice.Send("publish room:1 lost")
	alice.Expect("error:unavailable publish room:1")
	if n := b.gate.metrics.unpublished.Load(); n != 1 {
		t.Errorf("%d failed publishes counted, want 1", n)
	}
	s.redis.Start()
	proctest.Eventually(t, patience, func() bool { return s.publish("chat:1", "again") == "2" }, "both nodes listen again")
	alice.Send("publish room:1 back")
	for alice.Next() != "back" {
	}
}

// What a displaced login sends after its farewell is published nowhere.
func TestDisplacedLoginsDoNotPublish(t *testing.T) {
	t.Parallel()
	s := newStack(t, room)
	a, b := s.node(), s.node()
	old := a.socket(s.backend.Login("bob"))
	old.Send("ping")
	old.Expect("pong")
	fresh := b.socket(s.backend.Login("bob"))
	fresh.Send("room:1")
	old.Expect("loginOut")
	_ = old.Conn.WriteMessage(1, []byte("publish room:1 late")) // closed already, perhaps
	old.ExpectClose(4501)
	proctest.Eventually(t, patience, func() bool { return s.publish("chat:1", "end") == "1" }, "the new login listens")
	fresh.Expect("end")
}

// A publish that waits for its turn while its login is displaced is published nowhere.
func TestDisplacedWhileWaitingToPublish(t *testing.T) {
	t.Parallel()
	s := newStack(t, room)
	n := s.node()
	old := n.socket(s.backend.Login("bob"))
	old.Send("ping")
	old.Expect("pong")
	var sock *hub.Socket
	n.gate.hub.Each(func(s *hub.Socket) { sock = s })
	for range maxPublishing {
		n.gate.publishing <- struct{}{}
	}
	waiting := make(chan error, 1)
	go func() { waiting <- n.gate.publish(t.Context(), sock, "chat:1", []byte("late")) }()
	fresh := n.socket(s.backend.Login("bob"))
	old.Expect("loginOut")
	old.ExpectClose(4501)
	fresh.Send("room:1")
	proctest.Eventually(t, patience, func() bool { return s.publish("chat:1", "end") == "1" }, "the new login listens")
	fresh.Expect("end")
	for range maxPublishing {
		<-n.gate.publishing
	}
	if err := <-waiting; !errors.Is(err, channel.ErrForbidden) {
		t.Errorf("a displaced login's publish: %v", err)
	}
	s.publish("chat:1", "end")
	fresh.Expect("end")
}
