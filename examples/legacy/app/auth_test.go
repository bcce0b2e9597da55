package app

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestLoginRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, in := range map[string]string{
		"wrong password":  `{"username":"admin","password":"admin1234"}`,
		"unknown account": `{"username":"nobody","password":"admin123"}`,
		"empty":           `{}`,
		"not JSON":        `username=admin`,
		"two values":      `{"username":"admin","password":"admin123"}{}`,
		"giant":           `{"username":"` + strings.Repeat("a", maxBody) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if b := f.call("POST", "/login", "", in); b.code() != 500 || b["msg"] == "" || b["token"] != nil {
				t.Errorf("got %v", b)
			}
		})
	}
}

func TestGetInfo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b := f.call("GET", "/getInfo", "Bearer "+f.login("admin"), "")
	if b.code() != 200 || b["msg"] != "操作成功" {
		t.Fatalf("got %v", b)
	}
	for _, c := range []struct {
		want any
		keys []string
	}{
		{float64(1), []string{"user", "userId"}},
		{"admin", []string{"user", "userName"}},
		{true, []string{"user", "admin"}},
		{"Head office", []string{"user", "dept", "deptName"}},
		{"2026-03-01 12:00:00", []string{"user", "loginDate"}},
	} {
		if got := b.at(c.keys...); got != c.want {
			t.Errorf("%s: got %v, want %v", strings.Join(c.keys, "."), got, c.want)
		}
	}
	if got, _ := json.Marshal(b["permissions"]); string(got) != `["*:*:*"]` {
		t.Errorf("permissions: %s", got)
	}
	if got, _ := json.Marshal(b["roles"]); string(got) != `["admin"]` {
		t.Errorf("roles: %s", got)
	}
	if strings.Contains(toJSON(t, b), "admin123") {
		t.Error("the answer shows the password")
	}
}

func TestAuthorizationSpellings(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token := f.login("alice")
	for _, c := range []struct {
		name, authorization string
		want                int
	}{
		{"none", "", 401},
		{"scheme", "Bearer " + token, 200},
		{"scheme twice", "Bearer Bearer " + token, 200},
		{"no scheme", token, 200},
		{"garbage", "Bearer x.y.z", 401},
		{"no dots", "Bearer abc", 401},
		{"null", "Bearer null", 401},
		{"payload changed", "Bearer " + strings.Replace(token, ".", ".e", 1), 401},
		{"signature cut", "Bearer " + token[:len(token)-2], 401},
		{"signature changed", "Bearer " + flip(token, len(token)-9), 401},
		{"no signature", "Bearer " + b64.EncodeToString([]byte(`{"alg":"none"}`)) + token[strings.IndexByte(token, '.'):], 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := f.call("GET", "/getInfo", c.authorization, "")
			if b.code() != c.want {
				t.Fatalf("got %v", b)
			}
			if c.want == 401 && b["msg"] != "请求访问：/getInfo，认证失败，无法访问系统资源" {
				t.Errorf("msg: %v", b["msg"])
			}
		})
	}
}

// As its models do, the application takes a token whose last character differs
// only in bits that decode to nothing. A gateway has to cope with that.
func TestTokenHasOtherSpellings(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token := f.login("alice")
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	spellings := 0
	for _, c := range alphabet {
		if f.call("GET", "/getInfo", token[:len(token)-1]+string(c), "").code() == 200 {
			spellings++
		}
	}
	if spellings != 16 { // 512 bits in 86 characters leave 4 over
		t.Errorf("%d spellings of one token are taken, want 16", spellings)
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first, second := f.login("alice"), f.login("alice")
	if b := f.call("POST", "/logout", "Bearer "+first, ""); b.code() != 200 || b["msg"] != "退出成功" {
		t.Fatalf("logout: %v", b)
	}
	if b := f.call("GET", "/getInfo", "Bearer "+first, ""); b.code() != 401 {
		t.Errorf("after the logout: %v", b)
	}
	if b := f.call("GET", "/getInfo", "Bearer "+second, ""); b.code() != 200 {
		t.Errorf("the account's other login: %v", b)
	}
	if b := f.call("POST", "/logout", "", ""); b.code() != 200 {
		t.Errorf("logout without a token: %v", b)
	}
}

func TestSessionsSlide(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	token := "Bearer " + f.login("bob")
	alive := func() bool { return f.call("GET", "/getInfo", token, "").code() == 200 }
	// With more than renewBelow left a request renews nothing…
	f.advance(9 * time.Minute)
	if !alive() {
		t.Fatal("ended after 9 minutes")
	}
	f.advance(20 * time.Minute)
	// …and with less it does.
	if !alive() {
		t.Fatal("ended after 29 minutes")
	}
	f.advance(29 * time.Minute)
	if !alive() {
		t.Fatal("not renewed")
	}
	f.advance(sessionLife)
	if alive() {
		t.Error("lives without requests")
	}
}

func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	now := start
	s := newSessions(func() time.Time { return now })
	u := &accounts[0]
	first := s.open(u, "")
	for range maxSessions {
		now = now.Add(time.Millisecond)
		s.open(u, "")
	}
	if len(s.m) != maxSessions {
		t.Errorf("%d sessions are kept", len(s.m))
	}
	if _, ok := s.get(first.id); ok {
		t.Error("the oldest session did not make room")
	}
	now = now.Add(sessionLife)
	s.open(u, "")
	if len(s.m) != 1 {
		t.Errorf("%d sessions are kept after all have expired", len(s.m))
	}
}

func flip(s string, i int) string {
	c := byte('A')
	if s[i] == c {
		c = 'B'
	}
	return s[:i] + string(c) + s[i+1:]
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
