package expr

import (
	"encoding/base64"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/token"
)

func compile(tb testing.TB, k Kind, src string, want Type) *Program {
	tb.Helper()
	p, err := Compile(k, src, want)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func decode(tb testing.TB, s string) any {
	tb.Helper()
	v, err := DecodeJSON([]byte(s))
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func tok(tb testing.TB, raw string) token.Token {
	tb.Helper()
	t, err := token.New(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

const ruoyi = `{"code":200,"msg":"ok","user":{"userId":9007199254740993,"userName":"admin","admin":true},"roles":["a","b"]}`

func TestBool(t *testing.T) {
	t.Parallel()
	v := Vars{Status: 200, Headers: http.Header{"Content-Type": {"application/json", "x"}}, Body: decode(t, ruoyi)}
	for src, want := range map[string]bool{
		"status == 200":                                   true,
		"status >= 200 && status < 300":                   true,
		"status == 401":                                   false,
		"body.code == 200":                                true,
		"body.code == 200.0":                              true,
		"body.code < 200.5":                               true,
		"body.user.admin":                                 true,
		"body.missing":                                    false,
		"body.missing == 1":                               false,
		"!body.missing":                                   false,
		"body.missing || status == 200":                   true,
		"has(body.user) && !has(body.x)":                  true,
		"body.msg":                                        false,
		"'a' in body.roles":                               true,
		"body.roles.exists(r, r == 'b')":                  true,
		"headers['content-type'] == 'x'":                  false,
		"headers['content-type'] != ''":                   true,
		"headers['content-encoding'] == ''":               false,
		"headers['Content-Type'] != ''":                   true,
		"'CONTENT-TYPE' in headers":                       true,
		"'x' in headers":                                  false,
		"headers.size() == 1":                             true,
		"headers.all(n, n == 'content-type')":             true,
		"headers == {'content-type': 'application/json'}": true,
		"body.user.userId == 9007199254740993":            true,
		"body.user.userId == 9007199254740992":            false,
		"body.msg.upperAscii() == 'OK'":                   true,
		"math.greatest(body.code, 1) == 200":              true,
		"base64.encode(b'a') == 'YQ=='":                   true,
		"1 / 0 == 1":                                      false,
	} {
		t.Run(src, func(t *testing.T) {
			t.Parallel()
			if got := compile(t, Introspect, src, Bool).Bool(v); got != want {
				t.Fatalf("%s is %v", src, got)
			}
		})
	}
	for _, body := range []any{nil, "text", int64(1), []any{}} {
		if compile(t, Introspect, "body.code == 200", Bool).Bool(Vars{Body: body}) {
			t.Errorf("a body of %v has a code", body)
		}
	}
}

func TestNoBody(t *testing.T) {
	t.Parallel()
	v := Vars{Status: 401, NoBody: true}
	for src, want := range map[string]bool{
		"status == 401":                        true,
		"status == 401 || body.active":         true,
		"body.active || status == 401":         true,
		"body == null":                         false,
		"!has(body.active)":                    false,
		"status == 401 && body.active != true": false,
	} {
		if got := compile(t, Introspect, src, Bool).Bool(v); got != want {
			t.Errorf("%s is %v", src, got)
		}
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"id":1}`:                                 "1",
		`{"id":-7}`:                                "-7",
		`{"id":9007199254740993}`:                  "9007199254740993",
		`{"id":9223372036854775807}`:               "9223372036854775807",
		`{"id":9223372036854775808}`:               "9223372036854775808",
		`{"id":18446744073709551616}`:              "18446744073709551616",
		`{"id":123456789012345678901234567890123}`: "123456789012345678901234567890123",
		`{"id":7.0}`:                               "7",
		`{"id":1e3}`:                               "1000",
		`{"id":"bob"}`:                             "bob",
		`{"id":""}`:                                "",
		`{"id":"\u0000"}`:                          "\x00",
		`{"id":1.5}`:                               "none",
		`{"id":1e300}`:                             "none",
		`{"id":null}`:                              "none",
		`{"id":true}`:                              "none",
		`{"id":[1]}`:                               "none",
		`{"id":{}}`:                                "none",
		`{}`:                                       "none",
		`[]`:                                       "none",
		`null`:                                     "none",
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			got, ok := compile(t, Introspect, "body.id", String).String(Vars{Body: decode(t, body)})
			if want == "none" && (ok || got != "") || want != "none" && (!ok || got != want) {
				t.Fatalf("%q, %v", got, ok)
			}
		})
	}
	s, _ := compile(t, Introspect, "string(body.id)", String).String(Vars{Body: decode(t, `{"id":9007199254740993}`)})
	if s != "9007199254740993" {
		t.Errorf("string() made %s of it", s)
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	v := Vars{Body: decode(t, ruoyi)}
	for src, want := range map[string]any{
		"body.user.userName":                           "admin",
		"body.user.userId":                             int64(9007199254740993),
		"body.roles":                                   []any{"a", "b"},
		"[body.user.userName, body.user.userId]":       []any{"admin", int64(9007199254740993)},
		"{'n': body.user.userName, 'l': [{'a': 1.5}]}": map[string]any{"n": "admin", "l": []any{map[string]any{"a": 1.5}}},
		"{1: true}":                                    map[string]any{"1": true},
		"body.user":                                    map[string]any{"userId": int64(9007199254740993), "userName": "admin", "admin": true},
		"null":                                         nil,
		"1u":                                           uint64(1),
		"b'x'":                                         []byte("x"),
		"duration('3s')":                               3 * time.Second,
		"timestamp('2026-01-02T03:04:05Z')":            time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	} {
		t.Run(src, func(t *testing.T) {
			t.Parallel()
			got, err := compile(t, IntrospectActive, src, Any).Value(v)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%#v, %v", got, err)
			}
		})
	}
	for _, src := range []string{"body.x", "type(1)", "{true: 1}", "[type(1)]"} {
		if got, err := compile(t, IntrospectActive, src, Any).Value(v); err == nil {
			t.Errorf("%s = %v", src, got)
		}
	}
}

func TestJWT(t *testing.T) {
	t.Parallel()
	e := base64.RawURLEncoding.EncodeToString
	jwt := e([]byte(`{"alg":"HS512"}`)) + "." + e([]byte(`{"login_user_key":"0d9c","exp":9007199254740993}`)) + ".AAAA"
	claims, ok := JWTClaims(tok(t, jwt))
	if !ok {
		t.Fatal("no claims")
	}
	p := compile(t, IntrospectActive, "jwt.login_user_key", String)
	if s, ok := p.String(Vars{Token: tok(t, jwt), JWT: claims}); s != "0d9c" || !ok {
		t.Errorf("login_user_key %q", s)
	}
	if s, ok := p.String(Vars{Token: tok(t, "opaque")}); ok {
		t.Errorf("an opaque token has the claim %q", s)
	}
	for _, raw := range []string{"opaque", "", e([]byte(`{"alg":"HS512"}`)) + ".AAAA.", e([]byte(`{"alg":"x"}`)) + "." + e([]byte(`[1]`)) + ".", e([]byte(`{"alg":"d","enc":"x"}`)) + ".a.b.c.d"} {
		if v, ok := JWTClaims(tok(t, raw)); ok {
			t.Errorf("%q has claims %v", raw, v)
		}
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	p := compile(t, Introspect, "token.contains('|') ? token.substring(token.indexOf('|') + 1) : token", String)
	for raw, want := range map[string]string{"1|abc": "abc", "01|abc": "abc", "abc": "abc", "1|a|b": "a|b"} {
		if got, _ := p.String(Vars{Token: tok(t, raw)}); got != want {
			t.Errorf("%q gives %q", raw, got)
		}
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	v := Vars{
		User: "bob", Claims: decode(t, `{"role":"admin"}`), Device: "pc", Params: map[string]string{"id": "7"},
		Request: RequestVars{Method: "GET", Path: "/x", Headers: http.Header{"X-Tenant": {"t"}}, IP: "10.0.0.1"},
	}
	for src, want := range map[string]bool{
		"user == 'bob' && claims.role == 'admin' && device == 'pc'":                   true,
		"request.method == 'GET' && request.path == '/x' && request.ip == '10.0.0.1'": true,
		"request.headers['x-tenant'] == 't'":                                          true,
		"request.headers['X-Tenant'] == 't' && has(request.headers.X)":                false,
		"request.headers['X-Tenant'] == 't' && !has(request.headers.x)":               true,
		"params.id == '7' && params['id'] == '7'":                                     true,
		"params.other == ''": false,
		"claims.none":        false,
	} {
		if got := compile(t, Authorize, src, Bool).Bool(v); got != want {
			t.Errorf("%s is %v", src, got)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind Kind
		src  string
		want Type
		says string
	}{
		"place":            {Introspect, "status == 200 &&\n  statuss == 1", Bool, "line 2, column 3: undeclared reference to 'statuss'; variables here: status, headers, body, token"},
		"syntax":           {Introspect, "status ==", Bool, "line 1, column 10"},
		"empty":            {Introspect, "", Bool, "expr:"},
		"jwt too early":    {Introspect, "jwt.active", Bool, "jwt is unverified"},
		"jwt elsewhere":    {Response, "jwt.sub", String, "variables here: status, headers, body"},
		"token elsewhere":  {Response, "token", String, "undeclared"},
		"params elsewhere": {Request, "params.id", String, "undeclared"},
		"misspelt part":    {Request, "request.pth == ''", Bool, "undeclared reference to 'request'"},
		"string for bool":  {Introspect, "'x'", Bool, "yields string, want true or false"},
		"int for bool":     {Introspect, "status", Bool, "yields int"},
		"bool for string":  {Introspect, "status == 1", String, "yields bool, want a string"},
		"list for string":  {Introspect, "[1]", String, "want a string"},
		"too long":         {Introspect, strings.Repeat("(", maxSource+1), Bool, "at most 8192"},
		"too deep":         {Introspect, strings.Repeat("(", 4000) + "true" + strings.Repeat(")", 4000), Bool, "expr:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Compile(c.kind, c.src, c.want)
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "expr: ") {
				t.Fatalf("error %v", err)
			}
		})
	}
}

func TestNoExpressionRunsAway(t *testing.T) {
	t.Parallel()
	list := "[1,2,3,4,5,6,7,8,9,10]"
	src := "true"
	for _, v := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		src = list + ".all(" + v + ", " + src + ")"
	}
	p := compile(t, Introspect, src, Bool)
	start := time.Now()
	if p.Bool(Vars{}) {
		t.Error("a billion steps were done")
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
	double := "body.s"
	for range 40 {
		double = "[" + double + "].map(x, x + x)[0]"
	}
	compile(t, Introspect, double+" == ''", Bool).Bool(Vars{Body: map[string]any{"s": strings.Repeat("x", 1000)}})
}

func TestErrorsHoldNoValue(t *testing.T) {
	t.Parallel()
	_, err := compile(t, Introspect, "{'a': 1}[body.secret]", Any).Value(Vars{Body: decode(t, `{"secret":"canary"}`)})
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Fatalf("error %v", err)
	}
	if _, err := DecodeJSON([]byte("canary")); err == nil || strings.Contains(err.Error(), "canary") {
		t.Fatalf("error %v", err)
	}
}

func TestDecodeJSON(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", " ", "<html></html>", "{", "{}{}", "{} x", "nul", "[1,]", "\xff", "NaN"} {
		if v, err := DecodeJSON([]byte(bad)); err == nil {
			t.Errorf("%q is %v", bad, v)
		}
	}
	for in, want := range map[string]any{
		"\uFEFF{}":    map[string]any{},
		" 1 ":         int64(1),
		"-0":          int64(0),
		"1e999":       "1e999",
		"[1,[2,2.5]]": []any{int64(1), []any{int64(2), 2.5}},
		"null":        nil,
	} {
		if v := decode(t, in); !reflect.DeepEqual(v, want) {
			t.Errorf("%q is %#v", in, v)
		}
	}
}

func TestConcurrently(t *testing.T) {
	t.Parallel()
	p := compile(t, Introspect, "body.user.userId", String)
	v := Vars{Body: decode(t, ruoyi)}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if s, _ := p.String(v); s != "9007199254740993" {
					t.Error(s)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzCompile(f *testing.F) {
	f.Add("status == 200 && body.code == 200")
	f.Add("body.a.map(x, x + 1).filter(y, y > 2)")
	v := Vars{Status: 200, Body: map[string]any{"a": []any{int64(1)}}}
	f.Fuzz(func(t *testing.T, src string) {
		if p, err := Compile(IntrospectActive, src, Any); err == nil {
			_, _ = p.Value(v)
		}
	})
}

func BenchmarkBool(b *testing.B) {
	p := compile(b, Introspect, "status == 200 && body.code == 200", Bool)
	v := Vars{Status: 200, Body: decode(b, ruoyi)}
	b.ReportAllocs()
	for b.Loop() {
		p.Bool(v)
	}
}

func BenchmarkString(b *testing.B) {
	p := compile(b, Introspect, "body.user.userId", String)
	v := Vars{Status: 200, Body: decode(b, ruoyi)}
	b.ReportAllocs()
	for b.Loop() {
		p.String(v)
	}
}

func BenchmarkDecodeJSON(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeJSON([]byte(ruoyi)); err != nil {
			b.Fatal(err)
		}
	}
}
