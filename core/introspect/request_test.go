package introspect

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

// seen is a request as the backend got it.
type seen struct {
	method, uri, host, body string
	header                  http.Header
}

// recorder answers {"id":1} and passes each request on.
func recorder(tb testing.TB) (*backend, chan seen) {
	got := make(chan seen, 16)
	return serve(tb, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- seen{r.Method, r.RequestURI, r.Host, string(b), r.Header}
		_, _ = io.WriteString(w, `{"id":1,"active":true,"sub":"u","code":200,"user":{"userId":1}}`)
	}), got
}

func TestPlacement(t *testing.T) {
	t.Parallel()
	const raw = "a+b/c=&d;e,f%"
	expand := func(s string) (string, error) {
		if strings.Contains(s, "{token}") {
			t.Errorf("expand was given {token}: %q", s)
		}
		return strings.ReplaceAll(s, "{env.TENANT}", "t1"), nil
	}
	for name, c := range map[string]struct {
		cfg   Config
		check func(*testing.T, seen)
	}{
		"default": {Config{}, func(t *testing.T, s seen) {
			if s.method != "GET" || s.header.Get("Authorization") != "Bearer "+raw || s.header.Get("Accept") != "application/json" || s.body != "" || s.header.Get("Content-Type") != "" {
				t.Errorf("%+v", s)
			}
		}},
		"header": {Config{Send: []Param{{"header", "X-Token", "{env.TENANT}:{token}:{token}"}, {"header", "accept", "text/json"}}}, func(t *testing.T, s seen) {
			if s.header.Get("X-Token") != "t1:"+raw+":"+raw || s.header.Get("Authorization") != "" || !reflect.DeepEqual(s.header["Accept"], []string{"text/json"}) {
				t.Errorf("%+v", s)
			}
		}},
		"host": {Config{Send: []Param{{"header", "Host", "auth.example.com"}, bearerParam}}, func(t *testing.T, s seen) {
			if s.host != "auth.example.com" {
				t.Errorf("%+v", s)
			}
		}},
		"query": {Config{Send: []Param{{"query", "t", "{token}"}}}, func(t *testing.T, s seen) {
			u, err := url.ParseRequestURI(s.uri)
			if err != nil || u.Query().Get("t") != raw || u.Query().Get("a") != "1" {
				t.Errorf("%+v", s)
			}
		}},
		"form": {Config{Send: []Param{{"form", "token", "{token}"}, {"form", "hint", "x y"}}}, func(t *testing.T, s seen) {
			v, err := url.ParseQuery(s.body)
			if err != nil || s.method != "POST" || v.Get("token") != raw || v.Get("hint") != "x y" || s.header.Get("Content-Type") != "application/x-www-form-urlencoded" {
				t.Errorf("%+v", s)
			}
		}},
		"json": {Config{Send: []Param{{"json", "idToken", "{token}"}, {"json", "n", `"`}}}, func(t *testing.T, s seen) {
			var v map[string]string
			if err := json.Unmarshal([]byte(s.body), &v); err != nil || s.method != "POST" || v["idToken"] != raw || v["n"] != `"` || s.header.Get("Content-Type") != "application/json" {
				t.Errorf("%+v", s)
			}
		}},
		"cookie": {Config{Send: []Param{{"cookie", "sid", "{token}"}, {"cookie", "b", "2"}}}, func(t *testing.T, s seen) {
			if s.header.Get("Cookie") != "sid=a+b/c=&d%3Be%2Cf%; b=2" {
				t.Errorf("%+v", s)
			}
		}},
		"method": {Config{Method: "put", Send: []Param{{"form", "token", "{token}"}}}, func(t *testing.T, s seen) {
			if s.method != "PUT" {
				t.Errorf("%+v", s)
			}
		}},
		"auth basic": {Config{Preset: "rfc7662", Auth: &Auth{Type: "basic", ID: "gate", Secret: "{env.TENANT}:x"}}, func(t *testing.T, s seen) {
			r := http.Request{Header: s.header}
			id, secret, ok := r.BasicAuth()
			v, _ := url.ParseQuery(s.body)
			if !ok || id != "gate" || secret != "t1:x" || s.method != "POST" || v.Get("token") != raw {
				t.Errorf("%+v", s)
			}
		}},
		"auth bearer": {Config{Preset: "rfc7662", Auth: &Auth{Type: "bearer", Secret: "{env.TENANT}"}}, func(t *testing.T, s seen) {
			if s.header.Get("Authorization") != "Bearer t1" {
				t.Errorf("%+v", s)
			}
		}},
		"preset sends, explicit wins": {Config{Preset: "ruoyi", Send: []Param{{"header", "X-T", "{token}"}}}, func(t *testing.T, s seen) {
			if s.header.Get("X-T") != raw || s.header.Get("Authorization") != "" {
				t.Errorf("%+v", s)
			}
		}},
		"sanctum accepts JSON": {Config{Preset: "sanctum"}, func(t *testing.T, s seen) {
			if s.method != "GET" || s.header.Get("Accept") != "application/json" || s.header.Get("Authorization") != "Bearer "+raw {
				t.Errorf("%+v", s)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, got := recorder(t)
			if c.cfg.URI = b.URL + "/who?a=1"; c.cfg.Preset == "" {
				c.cfg.Subject = "body.id"
			}
			client, err := New(c.cfg, expand, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if a := client.Identify(t.Context(), query(t, raw)); a.Outcome != Active {
				t.Fatalf("%v, %v", a.Outcome, a.Err)
			}
			s := <-got
			if s.header.Get("Idempotency-Key") != "" || s.header.Get("User-Agent") != "wsgate" || !strings.HasPrefix(s.uri, "/who?a=1") {
				t.Errorf("%+v", s)
			}
			c.check(t, s)
		})
	}
}

func TestForwardedHeaders(t *testing.T) {
	t.Parallel()
	b, got := recorder(t)
	c := newClient(t, Config{URI: b.URL, Subject: "body.id", ForwardHeaders: []ForwardHeader{{Name: "clientid", Query: "cid"}, {Name: "Tenant-Id"}}}, nil)
	ask := func(target string, h map[string]string, fresh bool) seen {
		t.Helper()
		q := query(t, "abc")
		q.Request = httptest.NewRequest(http.MethodGet, target, nil)
		q.Request.Header.Set("User-Agent", "okhttp/4")
		for k, v := range h {
			q.Request.Header.Set(k, v)
		}
		if _, ok := c.Cached(q); ok == fresh {
			t.Fatalf("%s %v: cached %v", target, h, ok)
		}
		if a := c.Identify(t.Context(), q); a.Outcome != Active || a.Identity.Device != "app" {
			t.Fatalf("%v, %v", a.Outcome, a.Err)
		}
		if !fresh {
			return seen{}
		}
		return <-got
	}
	s := ask("/x", map[string]string{"ClientId": "web", "Tenant-Id": "1", "Cookie": "a=b", "X-Forwarded-For": "1.1.1.1", "Upgrade": "websocket", "Traceparent": "00-1", "Tracestate": "a=1"}, true)
	if s.header.Get("Clientid") != "web" || s.header.Get("Tenant-Id") != "1" || s.header.Get("Traceparent") != "00-1" || s.header.Get("Tracestate") != "a=1" {
		t.Errorf("%v", s.header)
	}
	for _, name := range []string{"Cookie", "X-Forwarded-For", "Upgrade"} {
		if s.header.Get(name) != "" {
			t.Errorf("%s was forwarded", name)
		}
	}
	ask("/x", map[string]string{"ClientId": "web", "Tenant-Id": "1", "Traceparent": "00-2"}, false)
	ask("/x?cid=web", map[string]string{"Tenant-Id": "1"}, false) // the parameter stands in for the header
	if s := ask("/x?cid=web", map[string]string{"Tenant-Id": "2"}, true); s.header.Get("Clientid") != "web" || s.header.Get("Tenant-Id") != "2" {
		t.Errorf("%v", s.header)
	}
	if s := ask("/x?cid=a%0d%0aX:b", nil, true); s.header.Get("Clientid") != "" {
		t.Errorf("%v", s.header)
	}
	q := query(t, "abc")
	c.Forget(q.Fingerprint)
	ask("/x", map[string]string{"ClientId": "web", "Tenant-Id": "1"}, true) // Forget dropped every variant
}

func TestProbe(t *testing.T) {
	t.Parallel()
	b, got := recorder(t)
	other, otherGot := recorder(t)
	for name, c := range map[string]struct {
		cfg   Config
		uri   string
		check func(*testing.T, seen)
	}{
		"same place": {Config{Subject: "body.id", Send: []Param{{"header", "X-Token", "{token}"}, {"header", "X-App", "1"}}}, "/device/7?x=1", func(t *testing.T, s seen) {
			if s.method != "GET" || s.uri != "/device/7?x=1" || s.header.Get("X-Token") != "abc" || s.header.Get("X-App") != "1" {
				t.Errorf("%+v", s)
			}
		}},
		"form is a bearer there": {Config{Preset: "rfc7662", Auth: &Auth{Type: "basic", ID: "gate", Secret: "s"}}, "/device/7", func(t *testing.T, s seen) {
			if s.header.Get("Authorization") != "Bearer abc" || s.body != "" {
				t.Errorf("%+v", s)
			}
		}},
		"other origin": {Config{Subject: "body.id", Send: []Param{{"header", "X-Token", "{token}"}, {"header", "X-App", "1"}}}, other.URL + "/d", func(t *testing.T, s seen) {
			if s.uri != "/d" || s.header.Get("X-Token") != "abc" || s.header.Get("X-App") != "" {
				t.Errorf("%+v", s)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.URI = b.URL + "/who"
			client := newClient(t, c.cfg, nil)
			res, err := client.Probe(t.Context(), "GET", c.uri, tok(t, "abc"))
			if err != nil || res.Status != 200 || !strings.Contains(string(res.Body), `"id":1`) {
				t.Fatalf("%+v, %v", res, err)
			}
			from := got
			if strings.HasPrefix(c.uri, "http") {
				from = otherGot
			}
			c.check(t, <-from)
		})
	}
	c := newClient(t, Config{URI: b.URL, Subject: "body.id", MaxBody: 8}, nil)
	if _, err := c.Probe(t.Context(), "GET", "/x", tok(t, "abc")); !errors.Is(err, ErrAnswer) {
		t.Errorf("a body over max_body: %v", err)
	}
	for _, uri := range []string{"ftp://h/", "http://u:p@h/", "//[::1/", "x:y"} {
		if _, err := c.Probe(t.Context(), "GET", uri, tok(t, "abc")); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", uri, err)
		}
	}
	redirect := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	c = newClient(t, Config{URI: redirect.URL, Subject: "body.id"}, nil)
	if res, err := c.Probe(t.Context(), "GET", "/x", tok(t, "abc")); err != nil || res.Status != 302 {
		t.Errorf("a redirect is %+v, %v", res, err)
	}
	if len(otherGot) != 0 {
		t.Error("the redirect was followed")
	}
}

// A server may close a kept connection just when a question is sent on it. The
// question is then asked again, a POST too.
func TestKeptConnectionClosed(t *testing.T) {
	t.Parallel()
	b, got := recorder(t)
	c := newClient(t, Config{URI: b.URL, Preset: "rfc7662", CacheTTL: duration(0)}, nil)
	for range 20 {
		if a := c.Identify(t.Context(), query(t, "abc")); a.Outcome != Active {
			t.Fatalf("%v, %v", a.Outcome, a.Err)
		}
		<-got
		b.CloseClientConnections()
	}
}
