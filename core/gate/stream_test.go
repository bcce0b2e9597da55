package gate

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/proctest"
)

// events adds an sse path beside the socket's.
func events(c *Config) {
	everywhere(c)
	minute := conf.Duration(time.Minute)
	c.SSE = []Socket{{
		Path:    "/events",
		Account: &channel.Account{Pattern: "msg:{account}"},
		Channels: []channel.Config{
			{Pattern: "data_imei:{id}"},
			{Pattern: "kept:{id}", History: &channel.History{Messages: 10000, For: minute}},
			{Pattern: "mine:{id}", Authorize: &channel.Authorize{When: "params.id == user"}},
			{Pattern: "latest", History: &channel.History{Messages: 1, For: minute}, Last: true},
		},
		Join: []string{"user:{user}"},
	}}
}

// path is that of a stream with a token and commands.
func streamPath(token string, commands ...string) string {
	q := url.Values{"channel": commands}
	if token != "" {
		q.Set("token", token)
	}
	return "/events?" + q.Encode()
}

// stream opens a stream; headers are name and value in turn.
func (n *node) stream(path string, headers ...string) *proctest.Stream {
	n.t.Helper()
	return proctest.OpenStream(n.t, n.srv.Client(), n.srv.URL+path, headers...)
}

func TestStreamDelivers(t *testing.T) {
	t.Parallel()
	s := newStack(t, events)
	n := s.node()
	bob := s.backend.Login("bob")
	c := n.stream(streamPath(bob, "data_imei:1", "data_imei:2", "msg:bob"), "Origin", n.srv.URL)
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no",
		"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": n.srv.URL, "Access-Control-Allow-Credentials": "true",
	} {
		if got := c.Response.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	// What is open is subscribed.
	for _, m := range []string{"one", "two\nlines\n", "", `{"a": 1}`} {
		if got := s.publish("data_imei:1", m); got != "1" {
			t.Fatalf("%s subscriptions", got)
		}
		c.Expect("", m)
	}
	s.publish("data_imei:2", "\xff")
	c.Expect("binary", "/w==")
	s.publish("user:"+fmt.Sprint(s.backend.UserID("bob")), "joined")
	c.Expect("", "joined")
	s.publish("data_imei:3", "not asked for")
	s.publish("data_imei:2", "end")
	c.Expect("", "end")

	named := n.stream(streamPath(bob, "data_imei:1") + "&named=1")
	s.publish("data_imei:1", "x")
	named.Expect("data_imei:1", "x")
	s.publish("data_imei:1", "\xff")
	named.Expect("binary data_imei:1", "/w==")
	if n := n.gate.hub.Count(); n != 2 {
		t.Errorf("%d connections", n)
	}
	c.Close()
	named.Close()
	proctest.Eventually(t, patience, func() bool { return n.gate.hub.Count() == 0 && n.gate.seats.total.Load() == 0 }, "the streams' ends are seen")
}

func TestStreamRefusals(t *testing.T) {
	t.Parallel()
	s := newStack(t, events, func(c *Config) { c.Limits.ChannelsPerConnection = 2 })
	n := s.node()
	tok := s.backend.Login("bob")
	for _, c := range []struct {
		name    string
		path    string
		headers []string
		status  int
		body    string
	}{
		{"foreign origin", streamPath(tok), []string{"Origin", "http://evil.example"}, 403, "forbidden_origin"},
		{"null origin", streamPath(tok), []string{"Origin", "null"}, 403, "forbidden_origin"},
		{"a foreign page's image", streamPath(tok), []string{"Sec-Fetch-Site", "cross-site"}, 403, "forbidden_origin"},
		{"no token", streamPath(""), nil, 401, "missing_token"},
		{"malformed", "/events?token=a%20b", nil, 400, "bad_token"},
		{"two", streamPath(tok), []string{"X-Access-Token", "another"}, 400, "bad_token"},
		{"query", streamPath(tok) + "&x=%zz", nil, 400, "bad_request"},
		{"named", streamPath(tok) + "&named=yes", nil, 400, "bad_request"},
		{"too many", streamPath(tok, "data_imei:1", "data_imei:2", "data_imei:3"), nil, 400, "at most 2"},
		{"unknown", streamPath(tok, "nothing", "data_imei:a b"), nil, 400, "unknown_command"},
		{"forbidden", streamPath(tok, "mine:nobody", "nothing"), nil, 403, "forbidden"},
		{"another's account", streamPath(tok, "msg:alice"), nil, 403, "forbidden"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, body := n.do(n.request(http.MethodGet, c.path, "", append(c.headers, "Accept", "text/event-stream")...))
			if res.StatusCode != c.status || !strings.Contains(body, c.body) || res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%d %s %v, want %d", res.StatusCode, body, res.Header, c.status)
			}
		})
	}
	if got := n.gate.seats.total.Load(); got != 0 {
		t.Errorf("%d seats are taken", got)
	}
	// Part of it can be done.
	c := n.stream(streamPath(tok, "mine:nobody", "data_imei:1"))
	c.Expect("refused", "forbidden mine:nobody")
	s.publish("data_imei:1", "x")
	c.Expect("", "x")
	// A cookie comes by itself, and an Origin only from elsewhere.
	n.stream(streamPath("", "data_imei:1"), "Cookie", "tok="+tok, "Sec-Fetch-Site", "same-origin")
	// Anything but a GET is guarded and passed.
	if _, body := n.do(n.request(http.MethodPost, "/events", "", "Authorization", "Bearer "+tok)); !strings.HasPrefix(body, "hello ") {
		t.Errorf("POST: %q", body)
	}
	res, _ := n.do(n.request(http.MethodOptions, "/events", "", "Origin", n.srv.URL, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization"))
	if res.StatusCode != http.StatusNoContent || res.Header.Get("Access-Control-Allow-Headers") != "authorization" {
		t.Errorf("preflight: %d %v", res.StatusCode, res.Header)
	}
}

func TestStreamOfADisplacedLogin(t *testing.T) {
	t.Parallel()
	s := newStack(t, events)
	a, b := s.node(), s.node()
	old := s.backend.Login("bob")
	c := a.stream(streamPath(old, "data_imei:1"))
	fresh := b.stream(streamPath(s.backend.Login("bob"), "data_imei:1"))
	c.Expect("displaced", "loginOut")
	c.Expect("close", `{"code":4501,"reason":"displaced","reconnect":false}`)
	c.ExpectEnd()
	s.publish("data_imei:1", "x")
	fresh.Expect("", "x")
	// EventSource comes back at once, and stays away from then on.
	res, body := b.do(b.request(http.MethodGet, streamPath(old, "data_imei:1"), "", "Last-Event-ID", c.LastID(), "Accept", "text/event-stream"))
	if res.StatusCode != http.StatusNoContent || body != "" {
		t.Errorf("the return: %d %q", res.StatusCode, body)
	}
	// A page that opens a stream anew is told.
	again := b.stream(streamPath(old, "data_imei:1"))
	again.Expect("displaced", "loginOut")
	again.Expect("close", `{"code":4501,"reason":"displaced","reconnect":false}`)
	again.ExpectEnd()
	status := 0
	for range 20 {
		res, _ := a.do(a.request(http.MethodGet, streamPath(old), ""))
		status = res.StatusCode
	}
	if status != http.StatusForbidden {
		t.Errorf("after too many returns: %d", status)
	}
	// An id that says so ends no live login's stream.
	live := b.stream(streamPath(s.backend.Login("alice"), "data_imei:1"), "Last-Event-ID", c.LastID())
	s.publish("data_imei:1", "y")
	live.Expect("", "y")
}

func TestStreamOfAnInactiveToken(t *testing.T) {
	t.Parallel()
	text := `{"type":"{reason}"}`
	s := newStack(t, events, func(c *Config) { c.SSE[0].Messages.Expired = &text })
	n := s.node()
	c := n.stream(streamPath("nobody"))
	c.Expect("expired", `{"type":"expired"}`)
	c.Expect("close", `{"code":4504,"reason":"token not active","reconnect":false}`)
	c.ExpectEnd()
}

// A browser that should come back is told when, for it gives up at any status but 200.
func TestStreamsInTrouble(t *testing.T) {
	t.Parallel()
	s := newStack(t, events, func(c *Config) { c.Limits.ConnectionsPerLogin = 1 })
	n := s.node()
	s.backend.SetFault(proctest.Error500)
	later := func(path, reason string) {
		t.Helper()
		c := n.stream(path)
		c.Expect("close", fmt.Sprintf(`{"code":1013,"reason":%q,"reconnect":true}`, reason))
		if ms := c.ExpectEnd(); ms < 5000 || ms > 15000 {
			t.Errorf("come back in %d ms", ms)
		}
		if res, _ := n.do(n.request(http.MethodGet, path, "")); res.StatusCode != 503 && res.StatusCode != 429 {
			t.Errorf("who doesn't ask for a stream: %d", res.StatusCode)
		}
	}
	later(streamPath(s.backend.Login("bob")), "login can't be verified now")
	s.backend.SetFault(proctest.NoFault)
	tok := s.backend.Login("bob")
	n.stream(streamPath(tok))
	later(streamPath(tok), errLoginFull.Error())
}

func TestStreamsAreDrained(t *testing.T) {
	t.Parallel()
	s := newStack(t, events)
	n := s.node()
	c := n.stream(streamPath(s.backend.Login("bob"), "data_imei:1"))
	n.gate.drain.Store(0)
	if err := n.gate.Close(); err != nil {
		t.Fatal(err)
	}
	c.Expect("close", `{"code":1001,"reason":"server going away","reconnect":true}`)
	if ms := c.ExpectEnd(); ms < 500 || ms > 5000 {
		t.Errorf("come back in %d ms", ms)
	}
}

// A ticket stands for its token once: what breaks off goes on with another one.
func TestStreamByTicket(t *testing.T) {
	t.Parallel()
	s := newStack(t, events, byTicket)
	n := s.node()
	tok := s.backend.Login("bob")
	first := n.ticket(tok)
	c := n.stream("/events?channel=kept:1&ticket=" + first)
	c.Expect("position", "")
	s.publish("kept:1", "x")
	c.Expect("", "x")
	c.Close()
	s.publish("kept:1", "missed")
	if res, body := n.do(n.request(http.MethodGet, "/events?channel=kept:1&ticket="+first, "", "Accept", "text/event-stream")); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("used twice: %d %s", res.StatusCode, body)
	}
	c = n.stream("/events?channel=kept:1&ticket=" + n.ticket(tok) + "&last_event_id=" + url.QueryEscape(c.LastID()))
	c.Expect("", "missed")
}
