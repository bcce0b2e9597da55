package gate

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

// withPages gives a stack both pages. The administrator is the account `admin`.
func withPages(edits ...func(*Config)) func(*Config) {
	return func(c *Config) {
		c.Login.Limit = 3
		c.Sessions = &Sessions{Path: "/my/sessions"}
		c.AdminSessions = &AdminSessions{Path: "/monitor/online", Allow: "claims.user.userName == 'admin'", Format: FormatPlain}
		for _, edit := range edits {
			edit(c)
		}
	}
}

// call sends a request with a token, and reads a JSON answer.
func (n *node) call(into any, method, path, token string, headers ...string) int {
	n.t.Helper()
	if token != "" {
		headers = append(headers, "Authorization", "Bearer "+token)
	}
	res, body := n.do(n.request(method, path, "", headers...))
	if err := json.Unmarshal([]byte(body), into); err != nil {
		n.t.Fatalf("%s %s: %d %q", method, path, res.StatusCode, body)
	}
	if cc := res.Header.Get("Cache-Control"); cc != "no-store" {
		n.t.Errorf("%s %s may be kept: %q", method, path, cc)
	}
	return res.StatusCode
}

func TestSessionsListsAndEndsTheCallersOwn(t *testing.T) {
	t.Parallel()
	s := newStack(t, withPages())
	n, other := s.node(), s.node()
	var tokens []string
	for range 3 {
		tokens = append(tokens, s.backend.Login("bob"))
		n.passes(tokens[len(tokens)-1])
	}
	alice := s.backend.Login("alice")
	n.passes(alice)
	phone := other.socket(tokens[0])
	other.admitted(1)

	var list struct{ Sessions []ownLogin }
	if status := n.call(&list, "GET", "/my/sessions", tokens[1], "User-Agent", "okhttp/4"); status != 200 || len(list.Sessions) != 3 {
		t.Fatalf("%d %+v", status, list)
	}
	for i, l := range list.Sessions {
		if l.Current != (i == 1) || l.IP != "127.0.x.x" || l.SID == "" || l.Since.IsZero() {
			t.Errorf("%d: %+v", i, l)
		}
	}
	var mine struct{ Sessions []ownLogin }
	n.call(&mine, "GET", "/my/sessions", alice)
	if len(mine.Sessions) != 1 || !mine.Sessions[0].Current {
		t.Fatalf("alice's: %+v", mine)
	}

	// Nobody's but one's own.
	var answer struct {
		Error string
		Ended []string
	}
	if status := n.call(&answer, "DELETE", "/my/sessions/"+list.Sessions[0].SID, alice); status != 404 || answer.Error != "not_found" {
		t.Errorf("another's login: %d %+v", status, answer)
	}
	oldest := list.Sessions[2].SID
	if status := n.call(&answer, "DELETE", "/my/sessions/"+oldest, tokens[1]); status != 200 || len(answer.Ended) != 1 || answer.Ended[0] != oldest {
		t.Fatalf("one: %d %+v", status, answer)
	}
	phone.Expect("loginOut")
	phone.ExpectClose(4503)
	if status := n.call(&answer, "DELETE", "/my/sessions/"+oldest, tokens[1]); status != 404 {
		t.Errorf("twice: %d", status)
	}
	if status := n.call(&answer, "DELETE", "/my/sessions/", tokens[1]); status != 404 || !n.passes(tokens[2]) {
		t.Errorf("no sid: %d", status)
	}
	if status := n.call(&answer, "DELETE", "/my/sessions", tokens[1]); status != 200 || len(answer.Ended) != 1 {
		t.Errorf("the others: %d %+v", status, answer)
	}
	if n.passes(tokens[0]) || n.passes(tokens[2]) || !n.passes(tokens[1]) || !n.passes(alice) {
		t.Error("the wrong logins were ended")
	}
	events := n.gate.Events(EventID{})
	if last := events[len(events)-1]; last.Kind != EventKick || last.By != list.Sessions[1].SID {
		t.Errorf("told: %+v", last)
	}
	if len(s.backend.Requests()) == 0 || s.backend.Calls("/my/sessions") != 0 {
		t.Error("the backend was asked for the page")
	}
}

func TestPagesAskWhoComes(t *testing.T) {
	t.Parallel()
	s := newStack(t, withPages(func(c *Config) {
		c.Login.Limit = 1
		c.Sessions.Allow = "user != '3'"
		c.Tokens = append(token.DefaultSources(), token.Source{Kind: token.Cookie, Name: "auth"})
	}))
	n := s.node()
	old, fresh := displacedAt(n, n, "bob") // account 1
	admin, guest := s.backend.Login("admin"), s.backend.Login("guest")
	if s.backend.UserID("guest") != 3 {
		t.Fatal("the rule is about another account")
	}
	const evil = "https://evil.example"
	for _, tc := range []struct {
		name, method, path, token string
		headers                   []string
		status                    int
		code                      string
	}{
		{"no token", "GET", "/my/sessions", "", nil, 401, "missing_token"},
		{"an unknown one", "GET", "/my/sessions", "unknown", nil, 401, "inactive_token"},
		{"two", "GET", "/my/sessions?token=another", fresh, nil, 400, "bad_token"},
		{"a dead one", "GET", "/my/sessions", old, nil, 200, ""}, // the preset's refusal
		{"a dead administrator", "GET", "/monitor/online", old, nil, 200, ""},
		{"one that is not allowed", "GET", "/my/sessions", guest, nil, 403, "forbidden"},
		{"no administrator", "GET", "/monitor/online", fresh, nil, 403, "forbidden"},
		{"no administrator who ends", "DELETE", "/monitor/online/x", fresh, nil, 403, "forbidden"},
		{"a foreign page", "GET", "/my/sessions", fresh, []string{"Origin", evil}, 403, "forbidden_origin"},
		{"a foreign page that ends", "DELETE", "/my/sessions", fresh, []string{"Origin", evil}, 403, "forbidden_origin"},
		{"a cookie that ends", "DELETE", "/my/sessions", "", []string{"Cookie", "auth=" + fresh}, 403, "forbidden_origin"},
		{"a cookie from a foreign page", "DELETE", "/my/sessions", "", []string{"Cookie", "auth=" + fresh, "Origin", evil}, 403, "forbidden_origin"},
		{"a cookie that reads", "GET", "/my/sessions", "", []string{"Cookie", "auth=" + fresh}, 200, ""},
		{"a cookie of its own page", "DELETE", "/my/sessions", "", []string{"Cookie", "auth=" + fresh, "Origin", n.srv.URL}, 200, ""},
		{"another method", "POST", "/my/sessions", fresh, nil, 405, "method_not_allowed"},
		{"another method for one", "GET", "/my/sessions/x", fresh, nil, 405, "method_not_allowed"},
		{"another method for all", "DELETE", "/monitor/online", admin, nil, 405, "method_not_allowed"},
		{"nobody's login", "DELETE", "/monitor/online/x", admin, nil, 404, "not_found"},
		{"page nought", "GET", "/monitor/online?pageNum=0", admin, nil, 400, "bad_request"},
		{"a page too large", "GET", "/monitor/online?pageSize=10001", admin, nil, 400, "bad_request"},
	} {
		var answer struct {
			Error string
			Code  int
		}
		if status := n.call(&answer, tc.method, tc.path, tc.token, tc.headers...); status != tc.status || answer.Error != tc.code {
			t.Errorf("%s: %d %+v, want %d %q", tc.name, status, answer, tc.status, tc.code)
		}
		if tc.token == old && answer.Code != 401 {
			t.Errorf("%s: %+v", tc.name, answer)
		}
	}
	// Beside the paths, and not under them, is the backend's.
	if _, body := n.do(n.request("GET", "/my/sessionsx", "", "Authorization", "Bearer "+fresh)); body != "hello bob" {
		t.Errorf("another path: %s", body)
	}
}

// These pages fail closed, whatever `fail` says of requests that the backend sees.
func TestPagesFailClosed(t *testing.T) {
	t.Parallel()
	s := newStack(t, withPages())
	n := s.node()
	bob, admin := s.backend.Login("bob"), s.backend.Login("admin")
	for _, tok := range []string{bob, admin} {
		if !n.passes(tok) {
			t.Fatal("does not pass")
		}
	}
	n.gate.shared.Load().asker.Forget(n.gate.shared.Load().key.Fingerprint(mustToken(t, admin)))
	s.backend.SetFault(proctest.Error500)
	var answer struct{ Error string }
	if status := n.call(&answer, "GET", "/monitor/online", admin); status != 503 || answer.Error != "unavailable" {
		t.Errorf("introspection is down: %d %+v", status, answer)
	}
	if !n.passes(admin) {
		t.Error("a request for the backend does not pass")
	}
	s.backend.SetFault(proctest.NoFault)
	s.redis.Kill()
	for _, path := range []string{"/my/sessions", "/monitor/online"} {
		if status := n.call(&answer, "GET", path, admin); status != 503 || answer.Error != "unavailable" {
			t.Errorf("redis is down: %s: %d %+v", path, status, answer)
		}
	}
}

func mustToken(t *testing.T, raw string) token.Token {
	t.Helper()
	tok, err := token.New(raw)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestPagesAnswerPreflights(t *testing.T) {
	t.Parallel()
	s := newStack(t, withPages(func(c *Config) { c.Origins = []string{"https://app.example"} }))
	n := s.node()
	ask := func(origin string) *http.Response {
		res, _ := n.do(n.request("OPTIONS", "/my/sessions/x", "", "Origin", origin,
			"Access-Control-Request-Method", "DELETE", "Access-Control-Request-Headers", "authorization"))
		return res
	}
	if res := ask("https://app.example"); res.StatusCode != 204 || !strings.Contains(res.Header.Get("Access-Control-Allow-Methods"), "DELETE") || res.Header.Get("Access-Control-Allow-Headers") != "authorization" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	if res := ask("https://evil.example"); res.StatusCode != 403 || res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

func TestAdminSessionsPlain(t *testing.T) {
	t.Parallel()
	s := newStack(t, withPages())
	n, other := s.node(), s.node()
	admin, bob := s.backend.Login("admin"), s.backend.Login("bob")
	n.passes(admin)
	sock := other.socket(bob)
	other.admitted(1)
	for i := range 4 {
		n.passes(s.backend.Login("user" + strconv.Itoa(i)))
	}
	type answer struct {
		Total           int
		Whole, Complete bool
		Logins          []LoginInfo
		Ended           []string
	}
	var a answer
	if n.call(&a, "GET", "/monitor/online", admin); a.Total != 6 || !a.Whole || !a.Complete || len(a.Logins) != 6 {
		t.Fatalf("all: %+v", a)
	}
	if l := a.Logins[4]; l.Name != "bob" || l.Sockets != 1 || l.IP != "127.0.0.1" {
		t.Errorf("bob, the last but one: %+v", l)
	}
	a = answer{}
	if n.call(&a, "GET", "/monitor/online?pageNum=2&pageSize=4", admin); a.Total != 6 || len(a.Logins) != 2 || a.Logins[0].Name != "bob" {
		t.Errorf("a page: %+v", a)
	}
	a = answer{}
	if n.call(&a, "GET", "/monitor/online?pageNum=9", admin); a.Total != 6 || len(a.Logins) != 0 {
		t.Errorf("a page too far: %+v", a)
	}
	a = answer{}
	if n.call(&a, "GET", "/monitor/online?userName=bob&ipaddr=127.0.0.1", admin); a.Total != 1 {
		t.Fatalf("searched: %+v", a)
	}
	sid := a.Logins[0].SID
	if status := n.call(&a, "DELETE", "/monitor/online/", admin); status != 404 {
		t.Errorf("no sid: %d", status)
	}
	if n.call(&a, "DELETE", "/monitor/online/"+sid, admin); len(a.Ended) != 1 || a.Ended[0] != sid {
		t.Errorf("ended: %+v", a)
	}
	sock.Expect("loginOut")
	sock.ExpectClose(4503)
	a = answer{}
	if n.call(&a, "GET", "/monitor/online?userName=bob", admin); a.Total != 0 || a.Logins == nil {
		t.Errorf("afterwards: %+v", a)
	}
	events := n.gate.Events(EventID{})
	if last := events[len(events)-1]; last.Kind != EventKick || last.By != "1" || last.SID != sid {
		t.Errorf("told: %+v", last)
	}
}

// As RuoYi's own page of online users asks, and what it reads of the answers.
func TestAdminSessionsForRuoYisPage(t *testing.T) {
	t.Parallel()
	s := newStack(t, withPages(func(c *Config) {
		c.AdminSessions.Format = ""
		c.AdminSessions.Dept = "'department of ' + claims.user.userName"
		c.AdminSessions.Allow += ` && (request.method == 'DELETE' ? ['*:*:*', 'common'] : ['common']).exists(p, p in claims.roles)`
	}))
	n := s.node()
	admin, bob := s.backend.Login("admin"), s.backend.Login("bob")
	n.passes(admin)
	const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
	n.get(bob, "User-Agent", chrome)
	type table struct {
		Code  int
		Msg   string
		Total int
		Rows  []map[string]any
	}
	var got table
	if status := n.call(&got, "GET", "/monitor/online/list?userName=bob", admin); status != 200 || got.Code != 200 || got.Msg == "" || got.Total != 1 || len(got.Rows) != 1 {
		t.Fatalf("%d %+v", status, got)
	}
	row := got.Rows[0]
	for name, want := range map[string]string{"userName": "bob", "ipaddr": "127.0.0.1", "loginLocation": "内网IP", "browser": "Chrome 126", "os": "Windows 10", "deptName": "department of bob"} {
		if row[name] != want {
			t.Errorf("%s is %q, want %q", name, row[name], want)
		}
	}
	if at, ok := row["loginTime"].(float64); !ok || at < 1.7e12 {
		t.Errorf("loginTime is %v", row["loginTime"])
	}
	id, _ := row["tokenId"].(string)
	if status := n.call(&got, "DELETE", "/monitor/online/"+id, admin); status != 200 || got.Code != 200 {
		t.Errorf("%d %+v", status, got)
	}
	if n.passes(bob) {
		t.Error("the ended login passes")
	}
	for _, tc := range []struct {
		method, path, token string
		code                int
	}{
		{"DELETE", "/monitor/online/" + id, admin, 200}, // again, as with RuoYi
		{"GET", "/monitor/online/list", "", 401},
		{"GET", "/monitor/online/list", bob, 401},
		{"GET", "/monitor/online/list", s.backend.Login("carol"), 403},
		{"GET", "/monitor/online/list?pageNum=x", admin, 400},
	} {
		if status := n.call(&got, tc.method, tc.path, tc.token); status != 200 || got.Code != tc.code {
			t.Errorf("%s %s: %d %+v, want the code %d", tc.method, tc.path, status, got, tc.code)
		}
	}
}

func TestDepartmentsOfRuoYisKind(t *testing.T) {
	t.Parallel()
	for preset, answer := range map[string]string{
		"ruoyi":      `{"user":{"dept":{"deptName":"R&D"}}}`,
		"ruoyi-plus": `{"user":{"deptName":"R&D"}}`,
	} {
		claims, err := expr.DecodeJSON([]byte(answer))
		if err != nil {
			t.Fatal(err)
		}
		dept, err := newDept(&Config{Introspect: introspect.Config{Preset: preset}, AdminSessions: &AdminSessions{}})
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := dept.String(expr.Vars{Claims: claims}); !ok || got != "R&D" {
			t.Errorf("%s: %q", preset, got)
		}
	}
}

func TestSearchIsBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	for i := range 5 {
		n.passes(s.backend.Login("user" + strconv.Itoa(i)))
	}
	for most, want := range map[int]int{3: 3, 4: 4, 5: 5, 6: 5} {
		found, whole, err := n.gate.search(t.Context(), &loginFilter{most: most})
		if err != nil || len(found) != want || whole != (most >= 5) {
			t.Errorf("at most %d: %d, whole %v, %v", most, len(found), whole, err)
		}
	}
	if found, whole, err := n.gate.search(t.Context(), &loginFilter{most: 1, user: "user3"}); err != nil || len(found) != 1 || !whole {
		t.Errorf("one: %d, whole %v, %v", len(found), whole, err)
	}
	for range maxLists {
		n.gate.lists <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := n.gate.search(ctx, &loginFilter{most: 1}); err == nil {
		t.Error("one list too many")
	}
}

func TestUserAgents(t *testing.T) {
	t.Parallel()
	for ua, want := range map[string][2]string{
		"": {"", ""},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.68":                                 {"Edge 126", "Windows 10"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15":                                             {"Safari 17", "macOS"},
		"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0":                                                                                            {"Firefox 128", "Linux"},
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.49.2600(0x2)": {"WeChat 8", "Android 14"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1":                    {"Chrome 126", "iOS"},
		"okhttp/4.12.0": {"okhttp 4", ""},
		"Mozilla/5.0":   {"", ""},
		"<b>/1":         {"<b> 1", ""}, // escaped by JSON; tables take it as text
	} {
		if got := [2]string{browserOf(ua), osOf(ua)}; got != want {
			t.Errorf("%q is %q, want %q", ua, got, want)
		}
	}
}

func TestPagesMustBeClear(t *testing.T) {
	t.Parallel()
	for want, edit := range map[string]func(*Config){
		"allow is missing":        func(c *Config) { c.AdminSessions.Allow = " " },
		"plain or ruoyi":          func(c *Config) { c.AdminSessions.Format = "xml" },
		"begins with a slash":     func(c *Config) { c.Sessions.Path = "my" },
		"login off keeps no":      func(c *Config) { c.Login = session.Config{Policy: "off"} },
		"in each other's way":     func(c *Config) { c.AdminSessions.Path = "/my/sessions/all" },
		"endpoints prefix":        func(c *Config) { c.Sessions.Path = "/.wsgate" },
		"socket /my/sessions/ws ": func(c *Config) { c.Sockets = []Socket{{Path: "/my/sessions/ws"}} },
		"sse /monitor/online ":    func(c *Config) { c.SSE = []Socket{{Path: "/monitor/online"}} },
		"guard pass /my/sessions": func(c *Config) { c.Guard.Pass = []session.Route{{Method: "GET", Path: "/my/sessions"}} },
		"login logout /my/sessions/all ": func(c *Config) {
			c.Login.Logout = []session.Route{{Method: "POST", Path: "/my/sessions/all"}}
		},
	} {
		cfg := Config{Introspect: introspect.Config{URI: "http://127.0.0.1/me", Subject: "body.id"}}
		withPages(edit)(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
