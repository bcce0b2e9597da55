package gate

import (
	"bufio"
	"encoding/json"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/proctest"
)

// adminOf serves the admin API over some gates.
func adminOf(t *testing.T, gates ...*Gate) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(Admin(func() iter.Seq[*Gate] { return slices.Values(gates) }))
	t.Cleanup(srv.Close)
	return srv
}

// ask sends a request to the admin API, and reads the answer into a value.
func ask(t *testing.T, srv *httptest.Server, method, path, body string, into any) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return res.StatusCode
}

func TestAdminListsAndKicks(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) { c.Login.Limit = 2 })
	a, b := s.node(), s.node()
	admin := adminOf(t, a.gate)
	bob, carol := s.backend.Login("bob"), s.backend.Login("carol")
	socks := []*proctest.Client{b.socket(bob), b.socket(bob)}
	b.admitted(2)
	if !a.passes(carol) {
		t.Fatal("carol does not pass")
	}

	var gates struct{ Gates []Status }
	if ask(t, admin, "GET", "/wsgate/gates", "", &gates); len(gates.Gates) != 1 || gates.Gates[0].Name != "default" || !gates.Gates[0].RedisUp {
		t.Errorf("gates: %+v", gates)
	}
	var page struct {
		Gate string
		LoginPage
	}
	if ask(t, admin, "GET", "/wsgate/logins?limit=10", "", &page); page.Gate != "default" || len(page.Logins) != 2 || !page.Complete {
		t.Fatalf("logins: %+v", page)
	}
	if ask(t, admin, "GET", "/wsgate/logins?online=true&gate=default", "", &page); len(page.Logins) != 1 {
		t.Fatalf("online: %+v", page)
	}
	l := page.Logins[0]
	if l.Name != "bob" || l.Sockets != 2 || l.Nodes != 1 {
		t.Errorf("bob: %+v", l)
	}
	if ask(t, admin, "GET", "/wsgate/logins?account="+url.QueryEscape(l.Account), "", &page); len(page.Logins) != 1 || page.Logins[0].SID != l.SID {
		t.Errorf("of one account: %+v", page)
	}

	var kicked struct {
		Gate  string
		Ended []Ended
	}
	if status := ask(t, admin, "POST", "/wsgate/kick", `{"sid":"`+l.SID+`","reason":"left"}`, &kicked); status != 200 || !slices.Equal(kicked.Ended, []Ended{{l.SID, l.Account}}) {
		t.Fatalf("%d %+v", status, kicked)
	}
	for _, c := range socks {
		c.Expect("loginOut")
		c.ExpectClose(4503)
	}
	if a.passes(bob) || !a.passes(carol) {
		t.Error("the wrong login was ended")
	}
	if ask(t, admin, "POST", "/wsgate/kick", `{"account":"nobody","all":true}`, &kicked); kicked.Ended == nil || len(kicked.Ended) != 0 {
		t.Errorf("nobody: %+v", kicked)
	}
}

func TestAdminSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	s.cfg.Name, s.cfg.Login.Policy = "free", "off"
	free := s.node()
	both, none := adminOf(t, n.gate, free.gate), adminOf(t)
	for _, tc := range []struct {
		on                 *httptest.Server
		method, path, body string
		status             int
		want               string
	}{
		{both, "GET", "/wsgate/", "", 404, "want gates, logins"},
		{both, "GET", "/wsgate/gates?x=1", "", 400, `unknown parameter "x": want none`},
		{both, "POST", "/wsgate/gates", "", 405, "want GET"},
		{both, "GET", "/wsgate/logins", "", 400, "name one as `gate`: default, free"},
		{both, "GET", "/wsgate/logins?gate=x", "", 404, `no gate "x" is open: there is default, free`},
		{none, "GET", "/wsgate/logins", "", 404, "no gate is open"},
		{both, "GET", "/wsgate/logins?gate=free", "", 409, "login is off"},
		{both, "GET", "/wsgate/logins?gate=free&gate=free", "", 400, "stands twice"},
		{both, "GET", "/wsgate/logins?gate=%zz", "", 400, "percent-encode"},
		{both, "GET", "/wsgate/logins?gate=default&limit=0", "", 400, "1 to 1000"},
		{both, "GET", "/wsgate/logins?gate=default&limit=1001", "", 400, "1 to 1000"},
		{both, "GET", "/wsgate/logins?gate=default&online=yes", "", 400, "true or false"},
		{both, "GET", "/wsgate/logins?gate=default&cursor=x", "", 400, "cursor"},
		{both, "GET", "/wsgate/logins?gate=default&account=x&cursor=1", "", 400, "not paged"},
		{both, "GET", "/wsgate/kick", "", 405, "want POST"},
		{both, "POST", "/wsgate/kick", "", 400, "EOF"},
		{both, "POST", "/wsgate/kick", `{"gate":"free","account":"1","all":true}`, 409, "login is off"},
		{both, "POST", "/wsgate/kick", `{"gate":"default","account":"1"}`, 400, "one of sid, all and all_but"},
		{both, "POST", "/wsgate/kick", `{"gate":"default","all":true}`, 400, "name the account"},
		{both, "POST", "/wsgate/kick", `{"gate":"default","sdi":"x"}`, 400, "sdi"},
		{both, "POST", "/wsgate/kick", `{"gate":"default","sid":"x"} {}`, 400, "after the object"},
		{both, "POST", "/wsgate/kick", `[1]`, 400, "should be: there is a JSON array"},
		{both, "POST", "/wsgate/kick", `{"gate":"default","all":"yes"}`, 400, "should be: all is a JSON string, want a bool"},
		{both, "POST", "/wsgate/kick", `{"sid":"` + strings.Repeat("x", maxKick) + `"}`, 413, "too large"},
		{both, "GET", "/wsgate/events?gate=default&since=x", "", 400, "id of an event"},
		{both, "GET", "/wsgate/events?gate=default&follow=x", "", 400, "true or false"},
		{both, "DELETE", "/wsgate/events", "", 405, "want GET"},
	} {
		var answer struct{ Error string }
		status := ask(t, tc.on, tc.method, tc.path, tc.body, &answer)
		if status != tc.status || !strings.Contains(answer.Error, tc.want) {
			t.Errorf("%s %s %.60s: %d %q, want %d with %q", tc.method, tc.path, tc.body, status, answer.Error, tc.status, tc.want)
		}
	}
	// What a form of any page can send is refused.
	res, err := both.Client().Post(both.URL+"/wsgate/kick", "text/plain", strings.NewReader(`{"gate":"default","account":"1","all":true}`))
	if err != nil {
		t.Fatal(err)
	}
	if _ = res.Body.Close(); res.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("a body that is no JSON: %d", res.StatusCode)
	}
}

func TestAdminWithoutRedis(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	admin := adminOf(t, s.node().gate)
	s.redis.Kill()
	var answer struct{ Error string }
	if status := ask(t, admin, "GET", "/wsgate/logins", "", &answer); status != http.StatusServiceUnavailable || answer.Error == "" {
		t.Errorf("%d %q", status, answer.Error)
	}
}

// stream opens the stream of events, which its test must end.
func stream(t *testing.T, srv *httptest.Server, path, accept string) (lines *bufio.Scanner, end func()) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", path, res.Status)
	}
	return bufio.NewScanner(res.Body), func() { _ = res.Body.Close() }
}

func nextLine(t *testing.T, from *bufio.Scanner) string {
	t.Helper()
	if !from.Scan() {
		t.Fatalf("the stream ended: %v", from.Err())
	}
	return from.Text()
}

func TestAdminStreamsEvents(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	admin := adminOf(t, n.gate)
	n.passes(s.backend.Login("bob"))

	lines, end := stream(t, admin, "/wsgate/events", "*/*")
	defer end()
	read := func() (e Event) {
		t.Helper()
		line := nextLine(t, lines)
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.ID == (EventID{}) {
			t.Fatalf("%q: %v", line, err)
		}
		return e
	}
	first := read()
	if first.Kind != EventClaim || first.Account != "1" {
		t.Errorf("past: %+v", first)
	}
	n.passes(s.backend.Login("bob"))
	if e := read(); e.Kind != EventClaim {
		t.Errorf("now: %+v", e)
	}
	if e := read(); e.Kind != EventDisplaced || e.SID != first.SID {
		t.Errorf("now: %+v", e)
	}

	// Server-sent events go on where the last reader was.
	sse, endSSE := stream(t, admin, "/wsgate/events?since="+first.ID.String(), "text/event-stream")
	defer endSSE()
	for _, want := range []string{"id: ", "event: claim", `data: {"id":"`, "", "id: ", "event: displaced", `data: {"id":"`, ""} {
		if got := nextLine(t, sse); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	past, endPast := stream(t, admin, "/wsgate/events?follow=false", "")
	defer endPast()
	var told int
	for past.Scan() {
		told++
	}
	if told != 3 {
		t.Errorf("%d events without following, want 3", told)
	}

	n.gate.audit.close()
	if lines.Scan() || sse.Scan() {
		t.Error("a stream outlives its gate")
	}
}

func TestAdminStreamsAreBounded(t *testing.T) {
	t.Parallel()
	g := &Gate{name: "default"}
	admin := adminOf(t, g)
	for range maxReaders {
		_, end := stream(t, admin, "/wsgate/events", "")
		defer end()
	}
	var answer struct{ Error string }
	if status := ask(t, admin, "GET", "/wsgate/events", "", &answer); status != http.StatusServiceUnavailable {
		t.Errorf("one too many: %d %s", status, answer.Error)
	}
}
