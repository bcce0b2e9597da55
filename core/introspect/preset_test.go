package introspect

import (
	"net/http"
	"slices"
	"testing"

	"github.com/wsgate/wsgate/core/expr"
)

// presetCase is an answer of a real backend and what it means.
type presetCase struct {
	status  int
	body    string
	want    Outcome
	subject string
	aliases []string
	session string
}

// {"alg":"HS256"}.{"username":"admin","clientType":"PC","exp":1593092157}
const jeecgJWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VybmFtZSI6ImFkbWluIiwiY2xpZW50VHlwZSI6IlBDIiwiZXhwIjoxNTkzMDkyMTU3fQ.AAAA"

// The shapes are those of the projects' sources; see the comment at each preset.
var presetCases = map[string]map[string]presetCase{
	"keycloak": {
		"active":       {200, `{"exp":4102444800,"iat":1700000000,"auth_time":1699999990,"jti":"j","iss":"https://id/realms/r","sub":"f3a1","typ":"Bearer","azp":"web","sid":"5e0c","username":"bob","active":true}`, Active, "f3a1", []string{"bob"}, "5e0c"},
		"before 20":    {200, `{"exp":4102444800,"sub":"f3a1","session_state":"5e0c","username":"bob","active":true}`, Active, "f3a1", []string{"bob"}, "5e0c"},
		"no session":   {200, `{"exp":4102444800,"sub":"f3a1","client_id":"robot","username":"service-account-robot","active":true}`, Active, "f3a1", []string{"service-account-robot"}, ""},
		"inactive":     {200, `{"active":false}`, Inactive, "", nil, ""},
		"caller":       {401, `{"error":"invalid_request","error_description":"Authentication failed."}`, Error, "", nil, ""},
		"no such path": {404, `{"error":"HTTP 404 Not Found"}`, Error, "", nil, ""},
	},
	"hydra": {
		"active":        {200, `{"active":true,"scope":"openid","client_id":"web","sub":"bob","exp":4102444800,"iat":1700000000,"aud":[],"iss":"https://id/","token_type":"Bearer","token_use":"access_token","ext":{"sid":"5e0c"}}`, Active, "bob", nil, "5e0c"},
		"no ext":        {200, `{"active":true,"client_id":"web","sub":"bob","exp":4102444800,"token_use":"access_token"}`, Active, "bob", nil, ""},
		"refresh token": {200, `{"active":true,"client_id":"web","sub":"bob","exp":4102444800,"token_use":"refresh_token"}`, Inactive, "", nil, ""},
		"inactive":      {200, `{"active":false}`, Inactive, "", nil, ""},
		"error":         {400, `{"error":"invalid_request","error_description":"…"}`, Error, "", nil, ""},
	},
	"ruoyi-plus": {
		"active":       {200, `{"code":200,"msg":"操作成功","data":{"user":{"userId":1,"tenantId":"000000","userName":"admin"},"permissions":["*:*:*"],"roles":["superadmin"]}}`, Active, "1", nil, ""},
		"snowflake id": {200, `{"code":200,"msg":"操作成功","data":{"user":{"userId":"1823456789012345678"}}}`, Active, "1823456789012345678", nil, ""},
		"expired":      {200, `{"code":401,"msg":"认证失败，无法访问系统资源","data":null}`, Inactive, "", nil, ""},
		"forbidden":    {200, `{"code":403,"msg":"没有访问权限，请联系管理员授权","data":null}`, Error, "", nil, ""},
		"failure":      {200, `{"code":500,"msg":"没有权限访问用户数据!","data":null}`, Error, "", nil, ""},
	},
	"jeecg": {
		"active":    {200, `{"success":true,"message":"","code":200,"result":{"userInfo":{"id":"e9ca23d68d884d4ebb19d07889727dae","username":"admin"},"sysAllDictItems":{}},"timestamp":1}`, Active, "e9ca23d68d884d4ebb19d07889727dae", []string{"admin"}, ""},
		"expired":   {401, `{"success":false,"message":"Token失效，请重新登录!","code":401,"result":null,"timestamp":1}`, Inactive, "", nil, ""},
		"kicked":    {401, `{"success":false,"message":"不允许同一账号多地同时登录，当前登录被踢掉！","code":401,"result":null,"timestamp":1}`, Inactive, "", nil, ""},
		"by code":   {200, `{"success":false,"message":"Token失效，请重新登录!","code":401,"result":null,"timestamp":1}`, Inactive, "", nil, ""},
		"failure":   {200, `{"success":false,"message":"操作失败，null","code":500,"result":null,"timestamp":1}`, Error, "", nil, ""},
		"forbidden": {200, `{"success":false,"message":"没有权限，请联系管理员分配权限！","code":510,"result":null}`, Error, "", nil, ""},
	},
	"yudao": {
		"administrator": {200, `{"code":0,"data":{"user_id":1,"user_type":2,"tenant_id":1,"client_id":"default","scopes":null,"access_token":"t","exp":4102444800},"msg":""}`, Active, "2:1", []string{"1"}, ""},
		"member":        {200, `{"code":0,"data":{"user_id":1,"user_type":1,"tenant_id":1,"client_id":"default","exp":4102444800},"msg":""}`, Active, "1:1", nil, ""},
		"unknown":       {200, `{"code":401,"data":null,"msg":"访问令牌不存在"}`, Inactive, "", nil, ""},
		"expired":       {200, `{"code":401,"data":null,"msg":"访问令牌已过期"}`, Inactive, "", nil, ""},
		"no tenant":     {200, `{"code":400,"data":null,"msg":"请求的租户标识未传递，请进行排查"}`, Error, "", nil, ""},
		"caller":        {200, `{"code":1002020004,"data":null,"msg":"无效 client_secret"}`, Error, "", nil, ""},
		"failure":       {200, `{"code":500,"data":null,"msg":"系统异常"}`, Error, "", nil, ""},
	},
	"sa-token": {
		"active":       {200, `{"code":200,"msg":"ok","data":{"tokenName":"satoken","tokenValue":"t","isLogin":true,"loginId":"10001","loginType":"login","tokenTimeout":2591977,"tokenActiveTimeout":-1,"loginDeviceType":"DEF","tag":null}}`, Active, "10001", nil, ""},
		"numeric id":   {200, `{"code":200,"msg":"ok","data":{"isLogin":true,"loginId":10001}}`, Active, "10001", nil, ""},
		"refused":      {200, `{"code":200,"msg":"ok","data":{"tokenName":"satoken","tokenValue":"t","isLogin":false,"loginId":null}}`, Inactive, "", nil, ""},
		"displaced":    {200, `{"code":500,"msg":"token 已被顶下线：t","data":null}`, Inactive, "", nil, ""},
		"kicked":       {200, `{"code":500,"msg":"token 已被踢下线：t","data":null}`, Inactive, "", nil, ""},
		"frozen":       {200, `{"code":500,"msg":"token 已被冻结：t","data":null}`, Inactive, "", nil, ""},
		"expired, old": {200, `{"code":500,"msg":"Token已过期","data":null}`, Inactive, "", nil, ""},
		"not login":    {200, `{"code":401,"msg":"not login","data":null}`, Inactive, "", nil, ""},
		"status":       {401, `{"code":401,"msg":"not login"}`, Inactive, "", nil, ""},
		"failure":      {200, `{"code":500,"msg":"/ by zero","data":null}`, Error, "", nil, ""},
		"forbidden":    {200, `{"code":403,"msg":"not permission","data":null}`, Error, "", nil, ""},
	},
	"drf": {
		"djoser":       {200, `{"email":"b@x","id":7,"username":"bob"}`, Active, "7", []string{"bob"}, ""},
		"dj-rest-auth": {200, `{"pk":7,"username":"bob","email":"b@x"}`, Active, "7", []string{"bob"}, ""},
		"invalid":      {401, `{"detail":"Invalid token."}`, Inactive, "", nil, ""},
		"deleted":      {401, `{"detail":"User inactive or deleted."}`, Inactive, "", nil, ""},
		"session auth": {403, `{"detail":"Invalid token."}`, Inactive, "", nil, ""},
		"nobody":       {403, `{"detail":"Authentication credentials were not provided."}`, Inactive, "", nil, ""},
		"permission":   {403, `{"detail":"You do not have permission to perform this action."}`, Error, "", nil, ""},
		"another text": {403, `{"detail":"认证令牌无效。"}`, Error, "", nil, ""},
		"throttled":    {429, `{"detail":"Request was throttled."}`, Error, "", nil, ""},
	},
}

func TestPresetAnswers(t *testing.T) {
	t.Parallel()
	for preset, cases := range presetCases {
		for name, tc := range cases {
			t.Run(preset+"/"+name, func(t *testing.T) {
				t.Parallel()
				b := serve(t, says(tc.status, tc.body))
				cfg := Config{URI: b.URL, Preset: preset}
				if preset == "keycloak" || preset == "yudao" {
					cfg.Auth = &Auth{Type: "basic", ID: "wsgate", Secret: "s"}
				}
				a := newClient(t, cfg, nil).Identify(t.Context(), query(t, jeecgJWT))
				if a.Outcome != tc.want {
					t.Fatalf("%v, %v; want %v", a.Outcome, a.Err, tc.want)
				}
				if id := a.Identity; id != nil && (id.Subject != tc.subject || id.Session != tc.session || !slices.Equal(id.Aliases, tc.aliases)) {
					t.Errorf("identity %s", dump(id))
				}
			})
		}
	}
}

// Errors of the status are errors of every preset, and so is what is no JSON.
func TestPresetTrouble(t *testing.T) {
	t.Parallel()
	for _, preset := range PresetNames() {
		for status, body := range map[int]string{
			302: "", 429: `{"detail":"x"}`, 500: `{"code":401}`, 502: "<html>bad gateway</html>", 200: "<!DOCTYPE html><title>login</title>",
		} {
			b := serve(t, says(status, body))
			if a := newClient(t, Config{URI: b.URL, Preset: preset}, nil).Identify(t.Context(), query(t, "tok")); a.Outcome != Error {
				t.Errorf("%s: status %d with %q is %v", preset, status, body, a.Outcome)
			}
		}
	}
}

// What a preset refuses with, its own expressions take for a refused token.
func TestPresetRejection(t *testing.T) {
	t.Parallel()
	for _, preset := range PresetNames() {
		p, err := PresetFor(Config{Preset: preset})
		if err != nil {
			t.Fatal(err)
		}
		if p.Reject == nil {
			continue
		}
		if _, err := expr.DecodeJSON([]byte(p.Reject.Body)); err != nil {
			t.Errorf("%s refuses with what is no JSON: %v", preset, err)
		}
		b := serve(t, says(p.Reject.Status, p.Reject.Body))
		if a := newClient(t, Config{URI: b.URL, Preset: preset}, nil).Identify(t.Context(), query(t, "tok")); a.Outcome != Inactive {
			t.Errorf("%s takes its own refusal for %v: %v", preset, a.Outcome, a.Err)
		}
	}
}

// How each preset asks.
func TestPresetRequests(t *testing.T) {
	t.Parallel()
	for preset, want := range map[string]http.Header{
		"ruoyi-plus": {"Authorization": {"Bearer tok"}, "Clientid": {"e5cd"}},
		"jeecg":      {"X-Access-Token": {"tok"}},
		"yudao":      {"Authorization": {"Basic d3NnYXRlOnM="}, "Tenant-Id": {"1"}},
		"sa-token":   {"Satoken": {"tok"}},
		"drf":        {"Authorization": {"Token tok"}, "Accept-Language": {"en"}},
	} {
		t.Run(preset, func(t *testing.T) {
			t.Parallel()
			got := make(chan http.Header, 1)
			form := make(chan string, 1)
			b := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got <- r.Header.Clone()
				form <- r.PostFormValue("token")
				w.WriteHeader(http.StatusTeapot)
			})
			cfg := Config{URI: b.URL, Preset: preset}
			if preset == "yudao" {
				cfg.Auth = &Auth{Type: "basic", ID: "wsgate", Secret: "s"}
			}
			q := query(t, "tok")
			q.Request, _ = http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x/ws?clientid=e5cd&tenant-id=1", nil)
			newClient(t, cfg, nil).Identify(t.Context(), q)
			h := <-got
			for name, v := range want {
				if !slices.Equal(h[name], v) {
					t.Errorf("%s: %q, want %q", name, h[name], v)
				}
			}
			if tok := <-form; (preset == "yudao") != (tok == "tok") {
				t.Errorf("form token %q", tok)
			}
		})
	}
	// A fixed value takes the place of a header that the preset forwards.
	c := newClient(t, Config{URI: "http://h/", Preset: "yudao", Send: []Param{{"form", "token", "{token}"}, {"header", "Tenant-Id", "1"}}}, nil)
	if len(c.cfg.ForwardHeaders) != 0 {
		t.Errorf("forwards %v beside a value of one's own", c.cfg.ForwardHeaders)
	}
}

// The way for several tenants that the reference tells.
func TestYudaoByPermissionInfo(t *testing.T) {
	t.Parallel()
	b := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.Header.Get("Authorization") != "Bearer good" {
			_, _ = w.Write([]byte(`{"code":401,"data":null,"msg":"账号未登录"}`))
			return
		}
		_, _ = w.Write([]byte(`{"code":0,"data":{"user":{"id":1,"username":"admin"},"roles":[],"permissions":[],"menus":[]},"msg":""}`))
	})
	c := newClient(t, Config{
		URI: b.URL, Preset: "yudao", Method: "GET", Subject: "body.data.user.id",
		Send: []Param{{"header", "Authorization", "Bearer {token}"}},
	}, nil)
	if a := c.Identify(t.Context(), query(t, "good")); a.Outcome != Active || a.Identity.Subject != "1" || len(a.Identity.Aliases) != 0 {
		t.Errorf("%v: %s", a.Err, dump(a.Identity))
	}
	if a := c.Identify(t.Context(), query(t, "bad")); a.Outcome != Inactive {
		t.Errorf("%v, %v", a.Outcome, a.Err)
	}
}
