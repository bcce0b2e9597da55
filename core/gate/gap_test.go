package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/redisconn"
)

// TestEveryLossIsTold walks the paths on which a message can be lost between Redis and
// a page. On each the page is told, before it gets anything that came later. A page that
// reads too slowly is told by close 4008: the hub's tests have that.
func TestEveryLossIsTold(t *testing.T) {
	t.Parallel()
	const ch = "data_imei:7"
	type page struct {
		*node
		*proctest.Client
		token string
	}
	// back breaks the page's connection, has something happen, and opens it again.
	back := func(p *page, meanwhile func()) {
		p.Client.Close()
		proctest.Eventually(p.t, patience, func() bool { return p.gate.hub.Count() == 0 }, "the break is seen")
		meanwhile()
		p.Client = p.socket(p.token)
		p.Send(ch)
	}
	for name, loss := range map[string]func(p *page){
		"the link breaks": func(p *page) {
			p.redis.CLI("CLIENT", "KILL", "TYPE", "pubsub")
			p.Expect("gap")
		},
		"redis dies": func(p *page) {
			p.redis.Kill()
			p.Expect("gap")
			p.redis.Start()
			p.Expect("gap") // once more when it is back
		},
		"redis takes the channel away": func(p *page) {
			p.redis.CLI("ACL", "SETUSER", "default", "resetchannels", "&wsgate:*")
			p.Expect("gap")
			p.redis.CLI("ACL", "SETUSER", "default", "allchannels")
		},
		"a message over the limit": func(p *page) {
			link := p.gate.shared.Load().rdb
			if err := link.Publish(p.t.Context(), ch, strings.Repeat("x", 9<<20)).Err(); err != nil {
				p.t.Fatal(err)
			}
			p.Expect("gap")
		},
		"a reload to another redis": func(p *page) {
			other := proctest.Redis(p.t)
			p.cfg.Redis = redisconn.Config{URLs: []string{other.URL()}}
			if err := p.gate.Reconfigure(p.cfg, Options{}); err != nil {
				p.t.Fatal(err)
			}
			p.redis = other
			p.Expect("gap")
		},
		"more than is kept while the page was away": func(p *page) {
			back(p, func() {
				for range 101 {
					p.publish(ch, "lost")
				}
			})
			p.Expect("gap")
		},
		"longer than is kept": func(p *page) {
			back(p, func() {
				p.publish(ch, "lost")
				proctest.Eventually(p.t, patience, func() bool { return p.gate.hub.History().Messages == 0 }, "it is too old")
			})
			p.Expect("gap")
		},
		"the link breaks while the page is away": func(p *page) {
			back(p, func() {
				broken := p.gate.hub.History().Broken
				p.redis.CLI("CLIENT", "KILL", "TYPE", "pubsub")
				proctest.Eventually(p.t, patience, func() bool { return p.gate.hub.History().Broken > broken }, "the history began anew")
			})
			p.Expect("gap")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, func(c *Config) {
				historyOf(c)
				c.Sockets[0].Channels[0].History.For = conf.Duration(2 * time.Second)
			})
			p := &page{node: s.node(), token: s.backend.Login("alice")}
			p.Client = p.socket(p.token)
			p.Send(ch)
			p.settled(ch)
			p.publish(ch, "before")
			p.Expect("before")
			loss(p)
			// Whatever else is told, what comes now arrives after it.
			proctest.Eventually(t, patience, func() bool { return p.redis.CLI("PUBLISH", ch, "after") == "1" }, "it is subscribed again")
			for got := p.Next(); got != "after"; got = p.Next() {
				if got != "gap" {
					t.Fatalf("got %.60q", got)
				}
			}
		})
	}
}
