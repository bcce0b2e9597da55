package gate

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/channel"
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
	realm := func() string {
		for key := range strings.Lines(s.redis.CLI("KEYS", "wsgate:realm:*")) {
			return s.redis.CLI("GET", key)
		}
		return ""
	}
	proctest.Eventually(t, patience, func() bool { return realm() != "" }, "the realm has its backend")
	before := realm()
	defer func() {
		proctest.Eventually(t, patience, func() bool { return realm() != before }, "the realm follows the new secret")
	}()
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

// Rules that look at what was not kept of sockets from before have these come again.
func TestReloadToRulesOverMore(t *testing.T) {
	t.Parallel()
	for name, authorize := range map[string]channel.Authorize{
		"claims":    {When: "claims.user.userName == 'bob'"},
		"the token": {Probe: &channel.Probe{Method: http.MethodGet, URI: "/getInfo"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, func(c *Config) { c.Introspect.Sliding = new(conf.Duration) }) // which takes the token
			n := s.node()
			old := s.backend.Login("bob")
			before := proctest.Dial(t, n.srv.URL+"/ws?token="+old)
			before.Send("ping")
			before.Expect("pong")
			cfg := s.cfg
			cfg.Sockets = slices.Clone(cfg.Sockets)
			cfg.Sockets[0].Channels = []channel.Config{{Pattern: "data_imei:{id}", Authorize: &authorize}}
			site, err := NewSite(n.gate, cfg, Options{})
			if err != nil {
				t.Fatal(err)
			}
			site.Activate()
			before.ExpectClose(1012)
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = site.ServeHTTP(w, r, func(http.ResponseWriter, *http.Request) error { return nil })
			}))
			t.Cleanup(srv.Close)
			again := proctest.Dial(t, srv.URL+"/ws?token="+old)
			again.Send("data_imei:1")
			again.Send("ping")
			again.Expect("pong") // and no error before it
		})
	}
}
