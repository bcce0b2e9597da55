package gate

import (
	"testing"

	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
)

func TestLoginOff(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) {
		c.Login.Policy = session.PolicyOff
		c.Guard.Forward = []Forward{{Header: "X-User", Value: "user"}}
	})
	n := s.node()
	first, second := s.backend.Login("bob"), s.backend.Login("bob")
	a, b := n.socket(first), n.socket(second)
	for _, c := range []*proctest.Client{a, b} {
		c.Send("ping")
		c.Expect("pong")
	}
	if !n.passes(first) || !n.passes(second) {
		t.Error("a request was refused with login off")
	}
	for _, r := range s.backend.Requests() {
		if r.Path == "/orders" && r.Header.Get("X-User") == "" {
			t.Error("no identity header with login off")
		}
	}
	if keys := s.redis.CLI("KEYS", "*"); keys != "" {
		t.Errorf("logins are kept with login off: %s", keys)
	}
}

func TestReconfigureRedis(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	tok := s.backend.Login("bob")
	c := n.socket(tok)
	c.Send("data_imei:1")
	other := proctest.Redis(t)
	cfg := s.cfg
	cfg.Redis.URLs = []string{other.URL()}
	if err := n.gate.Reconfigure(cfg, Options{}); err != nil {
		t.Fatal(err)
	}
	proctest.Eventually(t, patience, func() bool { return other.CLI("PUBLISH", "data_imei:1", "moved") == "1" }, "subscribed at the new Redis")
	c.Expect("moved")
	proctest.Eventually(t, patience, func() bool { return s.publish("data_imei:1", "gone") == "0" }, "left the old Redis")
	if !n.passes(tok) {
		t.Error("the login did not move along")
	}
	newer := s.backend.Login("bob")
	n.socket(newer)
	c.Expect("loginOut")
	c.ExpectClose(4501)
}

func TestReconfigureSecret(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	tok := s.backend.Login("bob")
	c := n.socket(tok)
	cfg := s.cfg
	cfg.Secret = "another secret of enough length"
	cfg.Drain = new(conf.Duration)
	if err := n.gate.Reconfigure(cfg, Options{}); err != nil {
		t.Fatal(err)
	}
	c.ExpectClose(1012)
	again := n.socket(tok)
	again.Send("ping")
	again.Expect("pong")
}
