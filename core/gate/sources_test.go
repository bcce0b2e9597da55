package gate

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/token"
)

// byPath lets sockets come with their token in their path.
func byPath(c *Config) {
	everywhere(c)
	c.Tokens = append(c.Tokens, token.Source{Kind: token.Path, Pattern: "/ws/{token}"})
	c.Sockets = append(c.Sockets, c.Sockets[0])
	c.Sockets[1].Path = "/ws/{token}"
}

func TestTokenInThePath(t *testing.T) {
	t.Parallel()
	s := newStack(t, byPath)
	n := s.node()
	bob := s.backend.Login("bob")
	for _, target := range []string{"/ws/" + bob, "/ws/" + bob + "?token=" + bob, "/ws/undefined?token=" + bob, "/ws?token=" + bob} {
		c := proctest.Dial(t, n.srv.URL+target)
		c.Send("ping")
		c.Expect("pong")
	}
	for target, status := range map[string]int{
		"/ws/undefined":                   401,
		"/ws/":                            401,
		"/ws/a%20b":                       400,
		"/ws/" + respell(bob):             400,
		"/ws/" + bob + "?token=another":   400,
		"/ws/" + strings.Repeat("x", 9e3): 400,
	} {
		if res := proctest.Refused(t, n.srv.URL+target); res.StatusCode != status {
			t.Errorf("%.40s: %d, want %d", target, res.StatusCode, status)
		}
	}
	fresh := proctest.Dial(t, n.srv.URL+"/ws/"+s.backend.Login("bob"))
	old := proctest.Dial(t, n.srv.URL+"/ws/"+bob)
	old.Expect("loginOut")
	old.ExpectClose(4501)
	fresh.Send("ping")
	fresh.Expect("pong")
}

// A plain request to the path of a socket is judged by the token in it, and the backend
// doesn't get that.
func TestPlainRequestWithATokenInThePath(t *testing.T) {
	t.Parallel()
	s := newStack(t, byPath)
	n := s.node()
	old, fresh := displacedAt(n, n, "bob")
	if _, body := n.do(n.request(http.MethodGet, "/ws/"+old, "")); !strings.Contains(body, `"code":401`) {
		t.Errorf("a displaced login reached the backend: %s", body)
	}
	for target, want := range map[string]string{
		"/ws/" + fresh + "?a=1": "/ws/?a=1",
		"/x/ws/" + old:          "/x/ws/" + old, // elsewhere a path is the backend's own
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://site.example"+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.RequestURI = target
		got := ""
		if err := n.site.ServeHTTP(discard{http.Header{}}, r, func(_ http.ResponseWriter, r *http.Request) error {
			got = r.RequestURI
			return nil
		}); err != nil || got != want {
			t.Errorf("%s came to the backend as %q, %v", target, got, err)
		}
	}
}

// discard is a ResponseWriter that nobody reads.
type discard struct{ h http.Header }

func (d discard) Header() http.Header       { return d.h }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func TestPathAndSocketBelongTogether(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	for name, c := range map[string]struct {
		edit func(*Config)
		want string
	}{
		"no socket":   {func(c *Config) { c.Tokens = []token.Source{{Kind: token.Path, Pattern: "/ws/{token}"}} }, "write `socket /ws/{token} { … }`"},
		"no source":   {func(c *Config) { c.Sockets[0].Path = "/ws/{token}" }, "add `token path /ws/{token}`"},
		"bad pattern": {func(c *Config) { c.Tokens = []token.Source{{Kind: token.Path, Pattern: "/ws"}} }, "has no part {token}"},
	} {
		cfg := s.cfg
		cfg.Sockets = append([]Socket(nil), cfg.Sockets...)
		c.edit(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// JeecgBoot's page offers its token as the only subprotocol, and its browser wants to
// hear it again.
func TestBareSubprotocol(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) {
		c.Tokens = []token.Source{{Kind: token.Header, Name: "X-Access-Token"}, {Kind: token.Query, Name: "token"}, {Kind: token.Subprotocol, Bare: true}}
	})
	n := s.node()
	bob := s.backend.Login("bob")
	c := proctest.Dial(t, n.srv.URL+"/ws", proctest.WithSubprotocols(bob))
	if got := c.Conn.Subprotocol(); got != bob {
		t.Errorf("answered %q", got)
	}
	c.Send("ping")
	c.Expect("pong")
	ours := proctest.Dial(t, n.srv.URL+"/ws", proctest.WithSubprotocols("wsgate", "token."+b64(bob)))
	if got := ours.Conn.Subprotocol(); got != "wsgate" {
		t.Errorf("answered %q", got)
	}
	if res := proctest.Refused(t, n.srv.URL+"/ws?token="+url.QueryEscape(bob), proctest.WithSubprotocols("chat")); res.StatusCode != http.StatusBadRequest {
		t.Errorf("another word is another token: %d", res.StatusCode)
	}
	fresh := proctest.Dial(t, n.srv.URL+"/ws", proctest.WithSubprotocols(s.backend.Login("bob")))
	for _, c := range []*proctest.Client{c, ours} {
		c.Expect("loginOut")
		c.ExpectClose(4501)
	}
	again := proctest.Dial(t, n.srv.URL+"/ws", proctest.WithSubprotocols(bob))
	again.Expect("loginOut")
	again.ExpectClose(4501)
	fresh.Send("ping")
	fresh.Expect("pong")
}

// Streams take a ticket and a token in their path as sockets do.
func TestSourcesOfAStream(t *testing.T) {
	t.Parallel()
	s := newStack(t, events, func(c *Config) {
		c.Tokens = append(c.Tokens, token.Source{Kind: token.Ticket}, token.Source{Kind: token.Path, Pattern: "/events/{token}"})
		c.SSE = append(c.SSE, c.SSE[0])
		c.SSE[1].Path = "/events/{token}"
	})
	n := s.node()
	bob := s.backend.Login("bob")
	ticket := n.ticket(bob)
	withTicket := n.stream("/events?channel=data_imei:1&ticket=" + ticket)
	inPath := n.stream("/events/" + bob + "?channel=data_imei:1")
	s.publish("data_imei:1", "hello")
	withTicket.Expect("", "hello")
	inPath.Expect("", "hello")
	for target, status := range map[string]int{
		"/events?channel=data_imei:1&ticket=" + ticket:                                    401, // used
		"/events?channel=data_imei:1&ticket=abc":                                          401,
		"/events?channel=data_imei:1&token=other&ticket=" + n.ticket(bob):                 400,
		"/events/undefined?channel=data_imei:1":                                           401,
		"/events/" + bob + "?channel=data_imei:1&token=" + s.backend.Login("carol"):       400,
		"/events/" + respell(bob) + "?channel=data_imei:1":                                400,
		"/events?channel=data_imei:1&token=" + url.QueryEscape(bob) + "&ticket=undefined": 200,
	} {
		r := n.request(http.MethodGet, target, "", "Accept", "text/event-stream")
		res, err := n.srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close() //nolint:errcheck // a test
		if res.StatusCode != status {
			t.Errorf("%.60s: %d, want %d", target, res.StatusCode, status)
		}
	}
	n.passes(s.backend.Login("bob"))
	for _, c := range []*proctest.Stream{withTicket, inPath} {
		c.Expect("displaced", "loginOut")
	}
}

// Rules see the headers of the handshake, also of a socket whose token came later.
func TestRulesSeeTheHeadersOfTheHandshake(t *testing.T) {
	t.Parallel()
	s := newStack(t, byMessage)
	n := s.node()
	tenant := proctest.WithHeader("X-Tenant", "7")
	before := n.socket(s.backend.Login("carol"), tenant)
	before.Send("ping")
	before.Expect("pong")
	cfg := s.cfg
	cfg.Sockets = append([]Socket(nil), cfg.Sockets...)
	cfg.Sockets[0].Channels = append(cfg.Sockets[0].Channels, channel.Config{
		Pattern: "of:{tenant}", Authorize: &channel.Authorize{When: "request.headers['x-tenant'] == params.tenant"},
	})
	site, err := NewSite(n.gate, cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	n.site.sockets = site.sockets // as a reload does, on the same address
	site.Activate()
	before.ExpectClose(1012) // its headers were not kept

	later := proctest.Dial(t, n.srv.URL+"/ws", tenant)
	later.Send(s.backend.Login("dave"))
	for _, c := range []*proctest.Client{n.socket(s.backend.Login("bob"), tenant), later} {
		c.Send("of:8")
		c.Expect("error:forbidden of:8")
		c.Send("of:7")
		c.Send("ping")
		c.Expect("pong")
	}
}
