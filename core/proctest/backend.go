package proctest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// BackendServer is an ordinary web application in RuoYi's shape, in the test's own
// process: JSON web tokens in the Authorization header, GET /getInfo, POST /login and
// POST /logout, and HTTP 200 with a body code of 401 for a token that it does not know.
// Every other path answers "hello <account>", or that refusal. Like the libraries of such
// backends it is lenient with the spelling of a token's signature. All methods are safe
// for concurrent use.
type BackendServer struct {
	srv    *httptest.Server
	secret []byte
	closed chan struct{}

	mu       sync.Mutex
	accounts map[string]int    // name to id
	sessions map[string]string // login_user_key to account
	fault    Fault
	requests []Request
}

// Request is one that reached the backend.
type Request struct {
	Method, Path, Query string
	Header              http.Header
	Body                string
}

// Backend starts one for the test.
func Backend(tb testing.TB) *BackendServer {
	tb.Helper()
	b := &BackendServer{
		secret: []byte(rand.Text()), closed: make(chan struct{}),
		accounts: map[string]int{}, sessions: map[string]string{},
	}
	b.srv = httptest.NewServer(http.HandlerFunc(b.serve))
	tb.Cleanup(func() {
		close(b.closed)
		b.srv.CloseClientConnections()
		b.srv.Close()
	})
	return b
}

// URL is http://127.0.0.1:<port>.
func (b *BackendServer) URL() string { return b.srv.URL }

// Addr is 127.0.0.1:<port>.
func (b *BackendServer) Addr() string { return b.srv.Listener.Addr().String() }

// Login makes a new login of an account and returns its token.
func (b *BackendServer) Login(account string) string {
	key := rand.Text()
	b.mu.Lock()
	b.sessions[key] = account
	if b.accounts[account] == 0 {
		b.accounts[account] = len(b.accounts) + 1
	}
	b.mu.Unlock()
	return b.sign(key, "")
}

// Refresh returns another token of the same login.
func (b *BackendServer) Refresh(token string) string {
	return b.sign(b.key(token), rand.Text())
}

// Logout ends a login at the backend alone.
func (b *BackendServer) Logout(token string) {
	key := b.key(token)
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.sessions, key)
}

// UserID is the number of an account that has logged in, as getInfo shows it.
func (b *BackendServer) UserID(account string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.accounts[account]
}

// Requests returns what has reached the backend, introspection included, in order.
func (b *BackendServer) Requests() []Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.requests)
}

// Calls counts the requests for a path.
func (b *BackendServer) Calls(path string) (n int) {
	for _, r := range b.Requests() {
		if r.Path == path {
			n++
		}
	}
	return n
}

func (b *BackendServer) sign(key, nonce string) string {
	payload, _ := json.Marshal(map[string]string{"login_user_key": key, "nonce": nonce})
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return text + "." + base64.RawURLEncoding.EncodeToString(b.mac(text))
}

func (b *BackendServer) mac(text string) []byte {
	h := hmac.New(sha256.New, b.secret)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// key is the login_user_key of a token with a good signature, else "".
func (b *BackendServer) key(token string) string {
	i := strings.LastIndexByte(token, '.')
	if i < 0 {
		return ""
	}
	sig, err := lenient(token[i+1:])
	if err != nil || !hmac.Equal(sig, b.mac(token[:i])) {
		return ""
	}
	_, payload, _ := strings.Cut(token[:i], ".")
	var claims struct {
		Key string `json:"login_user_key"`
	}
	raw, err := lenient(payload)
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return ""
	}
	return claims.Key
}

// lenient decodes as old libraries do: either alphabet, padding or not, foreign
// characters skipped, spare bits ignored.
func lenient(s string) ([]byte, error) {
	s = strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_':
			return r
		case r == '+':
			return '-'
		case r == '/':
			return '_'
		}
		return -1
	}, s)
	return base64.RawURLEncoding.DecodeString(s)
}

func (b *BackendServer) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	b.mu.Lock()
	b.requests = append(b.requests, Request{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Clone(), string(body)})
	fault := b.fault
	b.mu.Unlock()
	if r.URL.Path == "/getInfo" && b.spoil(w, r, fault) {
		return
	}
	token := strings.ReplaceAll(r.Header.Get("Authorization"), "Bearer ", "")
	account, id := b.who(token)
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/login":
		var in struct {
			Username string `json:"username"`
		}
		if json.Unmarshal(body, &in) != nil || in.Username == "" {
			reply(w, `{"code":500,"msg":"用户不存在/密码错误"}`)
			return
		}
		reply(w, fmt.Sprintf(`{"code":200,"msg":"操作成功","token":%q}`, b.Login(in.Username)))
	case r.Method == http.MethodPost && r.URL.Path == "/logout":
		b.Logout(token)
		reply(w, `{"code":200,"msg":"退出成功"}`)
	case account == "":
		reply(w, fmt.Sprintf(`{"code":401,"msg":"请求访问：%s，认证失败，无法访问系统资源"}`, r.URL.Path))
	case r.URL.Path == "/getInfo":
		name, _ := json.Marshal(account)
		reply(w, fmt.Sprintf(`{"code":200,"msg":"操作成功","user":{"userId":%d,"userName":%s},"roles":["common"],"permissions":[]}`, id, name))
	default:
		_, _ = fmt.Fprintf(w, "hello %s", account)
	}
}

func (b *BackendServer) who(token string) (string, int) {
	key := b.key(token)
	b.mu.Lock()
	defer b.mu.Unlock()
	account := b.sessions[key]
	return account, b.accounts[account]
}

func reply(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, body)
}
