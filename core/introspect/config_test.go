package introspect

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/token"
)

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	ok := func(change func(*Config)) Config {
		c := Config{URI: "http://127.0.0.1/who", Subject: "body.id"}
		change(&c)
		return c
	}
	for name, c := range map[string]struct {
		cfg  Config
		says string
	}{
		"no endpoint":        {Config{Subject: "body.id"}, "an endpoint is needed"},
		"no URL":             {ok(func(c *Config) { c.URI = "localhost/who" }), "no URL"},
		"ftp":                {ok(func(c *Config) { c.URI = "ftp://h/" }), "no URL"},
		"user in URL":        {ok(func(c *Config) { c.URI = "http://canary:canary@h/" }), "auth basic"},
		"fragment":           {ok(func(c *Config) { c.URI = "http://h/#x" }), "fragment"},
		"unknown preset":     {ok(func(c *Config) { c.Preset = "spring" }), "want one of drf, hydra, jeecg,"},
		"no subject":         {Config{URI: "http://h/"}, "subject is needed"},
		"bad CEL":            {ok(func(c *Config) { c.Subject = "body." }), "introspect: subject: expr:"},
		"jwt too early":      {ok(func(c *Config) { c.ActiveWhen = "jwt.x == 1" }), "active_when: expr:"},
		"type":               {ok(func(c *Config) { c.InactiveWhen = "'x'" }), "want true or false"},
		"method":             {ok(func(c *Config) { c.Method = "GE T" }), "no method"},
		"GET with form":      {ok(func(c *Config) { c.Method = "GET"; c.Send = []Param{{"form", "t", "{token}"}} }), "no body for form"},
		"form and json":      {ok(func(c *Config) { c.Send = []Param{{"form", "t", "{token}"}, {"json", "t", "{token}"}} }), "exclude each other"},
		"no token sent":      {ok(func(c *Config) { c.Send = []Param{{"header", "X", "y"}} }), "no send has {token}"},
		"sent twice":         {ok(func(c *Config) { c.Send = []Param{{"header", "X", "{token}"}, {"header", "x", "{token}"}} }), "is there twice"},
		"unknown place":      {ok(func(c *Config) { c.Send = []Param{{"body", "X", "{token}"}} }), "want header, form, query, json or cookie"},
		"hop by hop":         {ok(func(c *Config) { c.Send = []Param{{"header", "Connection", "{token}"}} }), "can't be set"},
		"cookie name":        {ok(func(c *Config) { c.Send = []Param{{"cookie", "a b", "{token}"}} }), "name of a cookie"},
		"nameless":           {ok(func(c *Config) { c.Send = []Param{{"query", "", "{token}"}} }), "needs a name"},
		"forward Host":       {ok(func(c *Config) { c.ForwardHeaders = []ForwardHeader{{Name: "Host"}} }), "can't be forwarded"},
		"forward handshake":  {ok(func(c *Config) { c.ForwardHeaders = []ForwardHeader{{Name: "Sec-WebSocket-Key"}} }), "can't be forwarded"},
		"forward over token": {ok(func(c *Config) { c.ForwardHeaders = []ForwardHeader{{Name: "authorization"}} }), "would overwrite send"},
		"auth type":          {ok(func(c *Config) { c.Auth = &Auth{Type: "digest"} }), "want basic or bearer"},
		"auth and token":     {ok(func(c *Config) { c.Auth = &Auth{Type: "bearer", Secret: "x"}; c.InactiveWhen = "false" }), "send the token elsewhere"},
		"auth and 401": {ok(func(c *Config) {
			c.Auth = &Auth{Type: "bearer", Secret: "x"}
			c.Send = []Param{{"form", "t", "{token}"}}
		}), "say inactive_when"},
		"basic id":    {ok(func(c *Config) { c.Auth = &Auth{Type: "basic", ID: "a:b", Secret: "x"} }), "without a colon"},
		"ttl":         {ok(func(c *Config) { c.CacheTTL = duration(-1) }), "can't be negative"},
		"timeout":     {ok(func(c *Config) { c.Timeout = -1 }), "can't be negative"},
		"body":        {ok(func(c *Config) { c.MaxBody = -1 }), "can't be negative"},
		"concurrency": {ok(func(c *Config) { c.MaxInFlight = -1 }), "can't be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := New(c.cfg, nil, nil)
			if err == nil {
				client.Close()
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "introspect: ") || strings.Contains(err.Error(), "canary") {
				t.Fatalf("error %v", err)
			}
		})
	}
}

// A preset's expressions and sources are right by themselves.
func TestPresets(t *testing.T) {
	t.Parallel()
	for name := range presets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{URI: "http://127.0.0.1/who", Preset: name}
			newClient(t, cfg, nil)
			p, err := PresetFor(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := token.NewFinder(p.Tokens); err != nil {
				t.Error(err)
			}
			if p.Allow != "" {
				if _, err := expr.Compile(expr.Response, p.Allow, expr.Bool); err != nil {
					t.Error(err)
				}
			}
			routes := append(p.Pass, p.Logout...)
			for _, r := range append(p.Observe, p.Refresh...) {
				routes = append(routes, r.Route)
				for _, src := range []string{r.Token, r.Linked} {
					if _, err := expr.Compile(expr.Response, src, expr.String); src != "" && err != nil {
						t.Errorf("%v: %v", r, err)
					}
				}
			}
			for _, r := range routes {
				if !strings.HasPrefix(r.Path, "/") || strings.ToUpper(r.Method) != r.Method {
					t.Errorf("route %v", r)
				}
			}
		})
	}
	if p, err := PresetFor(Config{}); err != nil || p.Reject != nil || p.Config.Subject != "" {
		t.Errorf("no preset is %+v, %v", p, err)
	}
}

// What Sanctum takes for one token is one login.
func TestSanctumSession(t *testing.T) {
	t.Parallel()
	b := serve(t, says(200, `{"id":7}`))
	c := newClient(t, Config{URI: b.URL, Preset: "sanctum"}, nil)
	for raw, want := range map[string]string{"1|abc": "abc", "01|abc": "abc", "abc": "abc", "1|a|b": "a|b"} {
		if a := c.Identify(t.Context(), query(t, raw)); a.Outcome != Active || a.Identity.Session != want {
			t.Errorf("%s: %v, session %s", raw, a.Err, dump(a.Identity))
		}
	}
}

func TestRuoyiIdentity(t *testing.T) {
	t.Parallel()
	b := serve(t, says(200, `{"code":200,"user":{"userId":1,"userName":"admin"}}`))
	c := newClient(t, Config{URI: b.URL, Preset: "ruoyi"}, nil)
	// {"alg":"HS512"}.{"login_user_key":"0d9c","sub":"admin"}
	const jwt = "eyJhbGciOiJIUzUxMiJ9.eyJsb2dpbl91c2VyX2tleSI6IjBkOWMiLCJzdWIiOiJhZG1pbiJ9.AAAA"
	a := c.Identify(t.Context(), query(t, jwt))
	if a.Outcome != Active || a.Identity.Subject != "1" || a.Identity.Session != "0d9c" || len(a.Identity.Aliases) != 1 || a.Identity.Aliases[0] != "admin" {
		t.Fatalf("%v: %s", a.Err, dump(a.Identity))
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := want.Unix()
	for _, v := range []any{s, s * 1e3, s * 1e6, s * 1e9, uint64(s), float64(s), float64(s * 1000), "1767323045", "2026-01-02T03:04:05Z", "2026-01-02T11:04:05+08:00", want} {
		if got := asTime(v); !got.Equal(want) {
			t.Errorf("%v (%T) is %v", v, v, got)
		}
	}
	for _, v := range []any{nil, int64(0), int64(-1), "", "soon", "2026-01-02", true, 1e300, -1.5, uint64(1 << 63), time.Time{}, map[string]any{}} {
		if got := asTime(v); !got.IsZero() {
			t.Errorf("%v (%T) is %v", v, v, got)
		}
	}
}

func TestDeviceOf(t *testing.T) {
	t.Parallel()
	for ua, want := range map[string]string{
		"": "other",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130 Safari/537.36":                "pc",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18 Safari/605.1.15":      "pc",
		"Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0":                               "pc",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari":     "mobile",
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130 Mobile Safari/537.36":          "mobile",
		"Mozilla/5.0 (Linux; Android 14; SM-X900) AppleWebKit/537.36 Chrome/130 Safari/537.36":                 "tablet",
		"Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148":                     "tablet",
		"Mozilla/5.0 (Linux; Android 13; wv) Chrome/110 Mobile Safari/537.36 uni-app Html5Plus/1.0 (Immersed)": "app",
		"okhttp/4.12.0": "app", "Dart/3.5 (dart:io)": "app", "MyApp/1.2 CFNetwork/1490 Darwin/23": "app", "WarehouseScanner/3": "app",
		"curl/8.5.0": "other", "Mozilla/5.0 (compatible; Googlebot/2.1)": "other", "Mozilla/5.0": "other",
	} {
		if got := deviceOf(http.Header{"User-Agent": {ua}}); got != want {
			t.Errorf("%q is %s, want %s", ua, got, want)
		}
	}
	const android = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/130 Mobile Safari/537.36"
	const linux = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130 Safari/537.36"
	for _, c := range []struct{ userAgent, mobile, platform, want string }{
		{linux, "?1", `"Android"`, "mobile"}, // a phone that asks for the desktop's page
		{linux, "?0", `"Android"`, "tablet"},
		{android, "?0", `"Windows"`, "pc"},
		{android, "?0", `"Chrome OS"`, "pc"},
		{android, "?0", `"Unknown"`, "mobile"},
		{linux, "?0", "", "pc"},
		{android, "", `"Windows"`, "mobile"},
		{android, "?2", `"Fuchsia"`, "mobile"},
		{"Dart/3.5 (dart:io)", "?1", `"Android"`, "app"},
		{"curl/8.5.0", "?0", `"Windows"`, "other"},
	} {
		h := http.Header{}
		for name, v := range map[string]string{"User-Agent": c.userAgent, "Sec-CH-UA-Mobile": c.mobile, "Sec-CH-UA-Platform": c.platform} {
			if v != "" {
				h.Set(name, v)
			}
		}
		if got := deviceOf(h); got != c.want {
			t.Errorf("%+v is %s", c, got)
		}
	}
}
