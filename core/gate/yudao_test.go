package gate

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/proctest"
)

// yudaoBackend gives each login an access and a refresh token, and takes both for
// credentials, as ruoyi-vue-pro does.
type yudaoBackend struct {
	mu     sync.Mutex
	issued int
	access map[string]string // access token -> refresh token
	user   map[string]int    // refresh token -> id
}

func (b *yudaoBackend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	tokens := func(user int, refresh string) {
		b.issued++
		access := fmt.Sprintf("access-%d", b.issued)
		if refresh == "" {
			refresh = fmt.Sprintf("refresh-%d", b.issued)
		}
		for a, rt := range b.access {
			if rt == refresh {
				delete(b.access, a)
			}
		}
		b.access[access], b.user[refresh] = refresh, user
		reply(w, 0, map[string]any{"userId": user, "accessToken": access, "refreshToken": refresh})
	}
	switch r.URL.Path {
	case "/admin-api/system/auth/login":
		tokens(7, "")
	case "/admin-api/system/auth/refresh-token":
		refresh := r.URL.Query().Get("refreshToken")
		tokens(b.user[refresh], refresh)
	case "/admin-api/system/oauth2/check-token":
		tok := r.PostFormValue("token")
		refresh, ok := b.access[tok]
		if !ok {
			refresh = tok
		}
		user, ok := b.user[refresh]
		if !ok {
			reply(w, 401, nil)
			return
		}
		reply(w, 0, map[string]any{"user_id": user, "user_type": 2, "tenant_id": 1, "access_token": tok})
	default:
		_, _ = w.Write([]byte("hello"))
	}
}

func reply(w http.ResponseWriter, code int, data any) {
	w.Header().Set("X-Backend", "yes")
	_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "data": data, "msg": ""})
}

// yudaoPage is one browser on such a site.
type yudaoPage struct {
	n                       *node
	cookie, access, refresh string
}

func (p *yudaoPage) post(path string) (*http.Response, string) {
	r := p.n.request(http.MethodPost, path, "{}")
	if p.cookie != "" {
		r.Header.Set("Cookie", p.cookie)
	}
	res, body := p.n.do(r)
	var answer struct {
		Data struct{ AccessToken, RefreshToken string }
	}
	if json.Unmarshal([]byte(body), &answer) == nil && answer.Data.AccessToken != "" {
		p.access, p.refresh = answer.Data.AccessToken, answer.Data.RefreshToken
	}
	if c := deviceCookie(res); c != "" {
		p.cookie = c
	}
	return res, body
}

func (p *yudaoPage) logIn() { p.post("/admin-api/system/auth/login") }

func (p *yudaoPage) refreshes() (*http.Response, string) {
	return p.post("/admin-api/system/auth/refresh-token?refreshToken=" + p.refresh)
}

func (p *yudaoPage) passes() bool {
	_, body := p.n.get(p.access, "Cookie", p.cookie)
	return body == "hello"
}

// socket uses the refresh token, as the page does.
func (p *yudaoPage) socket() *proctest.Client {
	return p.n.socket(p.refresh, proctest.WithHeader("Cookie", p.cookie))
}

// TestPresetYudao: a login with two tokens is one login, its refresh displaces
// nobody, and a displaced page, which refreshes by itself, gets nothing by it.
func TestPresetYudao(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(&yudaoBackend{access: map[string]string{}, user: map[string]int{}})
	t.Cleanup(backend.Close)
	s := newStack(t, func(c *Config) {
		c.Introspect = introspect.Config{
			URI: backend.URL + "/admin-api/system/oauth2/check-token", Preset: "yudao",
			Auth: &introspect.Auth{Type: "basic", ID: "default", Secret: "s"},
		}
	})
	s.upstream = backend.URL
	n := s.node()
	first, second := &yudaoPage{n: n}, &yudaoPage{n: n}
	first.logIn()
	sock := first.socket()
	if !first.passes() {
		t.Fatal("the login with a socket of its refresh token is refused")
	}
	first.refreshes()
	if !first.passes() {
		t.Error("a refreshed token is refused")
	}
	sock.Send("msg:7")
	sock.Send("ping")
	sock.Expect("pong") // neither displaced nor told that it watches another account

	second.logIn()
	sock.Expect("loginOut")
	sock.ExpectClose(4501)
	if first.passes() {
		t.Error("a displaced login passes")
	}
	access := first.access
	res, body := first.refreshes()
	if first.access != access || strings.Contains(body, "access-") || !strings.Contains(body, `"code":401`) || res.Header.Get("X-Backend") != "" {
		t.Errorf("a displaced login was refreshed: %s", body)
	}
	if first.passes() || !second.passes() {
		t.Error("the wrong login lives")
	}
	back := first.socket()
	back.Expect("loginOut")
	back.ExpectClose(4501)

	first.logIn()
	if !first.passes() || second.passes() {
		t.Error("a browser whose login was displaced can't log in again")
	}
}
