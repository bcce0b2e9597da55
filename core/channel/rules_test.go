package channel_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/expr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ann = channel.User{
	Subject: "1", Aliases: []string{"ann", "Ann Ö"},
	Claims: map[string]any{
		"tenant": "t/1", "n": int64(9007199254740993), "big": uint64(1 << 63), "f": 3.0, "half": 0.5, "yes": true,
		"deep": map[string]any{"x": "y"}, "null": nil, "list": []any{"a"}, "empty": "",
	},
	Device: "pc", Request: expr.RequestVars{Method: "GET", Path: "/ws", IP: "192.0.2.1"},
}

func compile(tb testing.TB, acc *channel.Account, rules ...channel.Config) *channel.Rules {
	tb.Helper()
	r, err := channel.Compile(acc, rules, "wsgate:", channel.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestMatch(t *testing.T) {
	t.Parallel()
	r := compile(t, &channel.Account{Pattern: "msg:{account}"},
		channel.Config{Pattern: "data_imei:{id}"},
		channel.Config{Pattern: "news"},
		channel.Config{Pattern: "room/{a}/{b}!", Redis: "r:{b}:{a}"},
		channel.Config{Pattern: "mine", Redis: "user:{user}"},
		channel.Config{Pattern: "t:{id}", Redis: "{claims.tenant}:{id}"},
		channel.Config{Pattern: "wsgat{a}:{b}"},
		channel.Config{Pattern: "any {a}:{b}", Redis: "{a}:{b}"},
		channel.Config{Pattern: "data_imei:x"}, // hidden behind the first, but legal
	)
	long := strings.Repeat("ö", 128)
	for command, want := range map[string]string{
		"msg:1":                            "watch",
		"msg:ann":                          "watch",
		"msg:Ann Ö":                        "watch",
		"msg:ANN":                          "forbidden",
		"msg:2":                            "forbidden",
		"msg:":                             "forbidden",
		"msg:undefined":                    "forbidden",
		"msg:1 ":                           "forbidden",
		"msg:" + strings.Repeat("x", 1024): "forbidden",
		"msg:" + strings.Repeat("x", 1025): "unknown",
		"msg":                              "unknown",
		"data_imei:17":                     "data_imei:17",
		"data_imei:a_b.c@d-E":              "data_imei:a_b.c@d-E",
		"data_imei:设备９":                    "data_imei:设备９",
		"data_imei:x":                      "data_imei:x",
		"data_imei:":                       "unknown",
		"data_imei:.":                      "unknown",
		"data_imei:..":                     "unknown",
		"data_imei:...":                    "data_imei:...",
		"data_imei:a b":                    "unknown",
		"data_imei:a*":                     "unknown",
		"data_imei:a:b":                    "unknown",
		"data_imei:a/b":                    "unknown",
		"data_imei:a\x00":                  "unknown",
		"data_imei:a\n":                    "unknown",
		"data_imei:\xff":                   "unknown",
		"data_imei:\uFFFD":                 "unknown",
		"data_imei:" + long:                "data_imei:" + long,
		"data_imei:" + long + "x":          "unknown",
		" data_imei:17":                    "unknown",
		"DATA_IMEI:17":                     "unknown",
		"news":                             "news",
		"news ":                            "unknown",
		"room/x/y!":                        "r:y:x",
		"room/x/y":                         "unknown",
		"room/x/y!!":                       "unknown",
		"room/x/y/z!":                      "unknown",
		"mine":                             "user:1",
		"t:5":                              "t%2F1:5",
		"wsgate:x":                         "forbidden",
		"wsgatE:x":                         "wsgatE:x",
		"any wsgate:x":                     "forbidden",
		"any __keyspace@0__:x":             "forbidden",
		"any _keyspace@0__:x":              "_keyspace@0__:x",
		"any __sentinel__:hello":           "forbidden",
		"":                                 "unknown",
		strings.Repeat("news", 10_000):     "unknown",
	} {
		m, err := r.Match(command, ann)
		got := m.Redis
		switch {
		case errors.Is(err, channel.ErrUnknown):
			got = "unknown"
		case errors.Is(err, channel.ErrForbidden):
			got = "forbidden"
		case err != nil:
			t.Errorf("%.40q: %v", command, err)
		case m.Kind == channel.Watch && m.Redis == "":
			got = "watch"
		}
		if got != want {
			t.Errorf("%.40q: got %.60q, want %.60q", command, got, want)
		}
		if err == nil && (m.Command != command || m.Guarded()) {
			t.Errorf("%.40q: command %.40q, guarded %v", command, m.Command, m.Guarded())
		}
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"c":                         "c",
		"{id}":                      "7",
		"{id}-{id}":                 "7-7",
		"u:{user}":                  "u:1",
		"{claims.n}":                "9007199254740993",
		"{claims.big}":              "9223372036854775808",
		"{claims.f}":                "3",
		"{claims.yes}":              "true",
		"{claims.deep.x}":           "y",
		"{claims.half}":             "",
		"{claims.deep}":             "",
		"{claims.null}":             "",
		"{claims.list}":             "",
		"{claims.empty}":            "",
		"{claims.none}":             "",
		"{claims.deep.none}":        "",
		"{claims.tenant}/{id} über": "t%2F1/7 über",
	} {
		m, err := compile(t, nil, channel.Config{Pattern: "x:{id}", Redis: template}).Match("x:7", ann)
		if want == "" {
			if !errors.Is(err, channel.ErrForbidden) {
				t.Errorf("%s: got %q %v, want forbidden", template, m.Redis, err)
			}
			continue
		}
		if err != nil || m.Redis != want {
			t.Errorf("%s: got %q %v, want %q", template, m.Redis, err, want)
		}
	}
}

func TestAccountsNeverMeetInOneChannel(t *testing.T) {
	t.Parallel()
	r := compile(t, &channel.Account{Pattern: "msg:{account}", Redis: "a:{account}"}, channel.Config{Pattern: "mine", Redis: "a:{user}"})
	seen := map[string]string{}
	for _, name := range []string{
		"bob", "bob2", "{}", ":", "*", " ", "%", "%25", "%3A", "a:b", "a/b", "ö", "o\u0308", "\xff", "\x00",
		strings.Repeat("x", 1024), strings.Repeat(":", 1024), ".", "..",
	} {
		u := channel.User{Subject: name}
		m, err := r.Match("mine", u)
		if err != nil {
			t.Errorf("%.20q: %v", name, err)
			continue
		}
		if other, ok := seen[m.Redis]; ok {
			t.Errorf("%.20q and %.20q meet in %.40q", name, other, m.Redis)
		}
		seen[m.Redis] = name
		w, err := r.Match("msg:"+name, u)
		if err != nil || w.Redis != m.Redis || w.Kind != channel.Watch {
			t.Errorf("%.20q: watch %.40q %v", name, w.Redis, err)
		}
	}
	if _, err := r.Match("mine", channel.User{Subject: strings.Repeat(":", 2000)}); !errors.Is(err, channel.ErrForbidden) {
		t.Errorf("a channel of 6,000 bytes: %v", err)
	}
}

func TestCompileErrors(t *testing.T) {
	t.Parallel()
	rule := func(pattern, redis string) channel.Config { return channel.Config{Pattern: pattern, Redis: redis} }
	probe := func(method, uri, allow string) channel.Config {
		return channel.Config{Pattern: "d:{id}", Authorize: &channel.Authorize{Probe: &channel.Probe{Method: method, URI: uri, AllowWhen: allow}}}
	}
	for _, tc := range []struct {
		account string
		rule    channel.Config
		want    string
	}{
		{"msg:", rule("x", ""), "ends with {account}"},
		{"{account}:x", rule("x", ""), "ends with {account}"},
		{"", rule("", ""), "empty"},
		{"", rule("x:{account}", ""), "{account} is for the account command"},
		{"", rule("x\xff", ""), "not UTF-8"},
		{"", rule("x", "y\xff"), "not UTF-8"},
		{"", rule("x:{Id}", ""), "{Id} is no name"},
		{"", rule("x:{1}", ""), "{1} is no name"},
		{"", rule("x:{}", ""), "{} is no name"},
		{"", rule("x:{id", ""), "in pairs"},
		{"", rule("x:id}", ""), "in pairs"},
		{"", rule("x:{{id}}", ""), "in pairs"},
		{"", rule("x:{host}", ""), "{host}: a Caddyfile replaces that by {http.request.host}"},
		{"", rule("x:{http.request.host}", ""), "{host}: a Caddyfile"},
		{"", rule("x:{uuid}", ""), "{uuid}"},
		{"", rule("x:{path}", ""), "{path}"},
		{"", rule("x:{user}", ""), "{user}"},
		{"", rule("x:{claims}", ""), "{claims}"},
		{"", rule("{a}{b}", ""), "{a}{b} is ambiguous"},
		{"", rule("{a}-{b}", ""), "ambiguous"},
		{"", rule("{a}ö{b}", ""), "ambiguous"},
		{"", rule("{a}:{a}", ""), "two parts called {a}"},
		{"", rule("{a}:{b}:{c}:{d}:{e}:{f}:{g}:{h}:{i}", ""), "more than 8"},
		{"", rule(strings.Repeat("x", 1025), ""), "1024"},
		{"", rule("unsubscribe x", ""), "unsubscribe"},
		{"", rule("wsgate:x", ""), "key prefix"},
		{"", rule("wsgate:{id}", ""), "key prefix"},
		{"", rule("x:{id}", "wsgate:{id}"), "key prefix"},
		{"", rule("x:{id}", "y:{idd}"), "{idd} is no part"},
		{"", rule("x:{id}", "y:{claims}"), "{claims} is no part"},
		{"", rule("x:{id}", "y:{claims.}"), "claims."},
		{"", rule("x:{id}", "y:{host}"), "{host}"},
		{"", rule("x:{id}", "y:{account}"), "{account} is no part"},
		{"", channel.Config{Pattern: "x", Authorize: &channel.Authorize{}}, "needs `when"},
		{"", channel.Config{Pattern: "x", Authorize: &channel.Authorize{When: "true", Probe: &channel.Probe{}}}, "not both"},
		{"", channel.Config{Pattern: "x", Authorize: &channel.Authorize{When: "usr == 'a'"}}, "usr"},
		{"", channel.Config{Pattern: "x", Authorize: &channel.Authorize{When: "user"}}, "rule \"x\""},
		{"", probe("get", "/d/{id}", ""), "no method"},
		{"", probe("", "/d/{id}", ""), "no method"},
		{"", probe("GET", "", ""), "want a path"},
		{"", probe("GET", "d/{id}", ""), "want a path"},
		{"", probe("GET", "{id}", ""), "want a path"},
		{"", probe("GET", "//h/{id}", ""), "want a path"},
		{"", probe("GET", "http://{id}/", ""), "want a path"},
		{"", probe("GET", "http://h:{id}/", ""), "want a path"},
		{"", probe("GET", "http://h{id}/", ""), "want a path"},
		{"", probe("GET", "http://u:p@h/{id}", ""), "want a path"},
		{"", probe("GET", "ftp://h/{id}", ""), "want a path"},
		{"", probe("GET", "{user}://h/", ""), "want a path"},
		{"", probe("GET", "/d/#{id}", ""), "#"},
		{"", probe("GET", "/d/ {id}", ""), "space"},
		{"", probe("GET", "/d/../{id}", ""), "segment"},
		{"", probe("GET", "/d/{host}", ""), "{host}"},
		{"", probe("GET", "/d/{other}", ""), "{other} is no part"},
		{"", probe("GET", "/d/%zz{id}", ""), "no URI"},
		{"", probe("GET", "/d/{id}", "stat == 1"), "stat"},
	} {
		var acc *channel.Account
		if tc.account != "" {
			acc = &channel.Account{Pattern: tc.account}
		}
		_, err := channel.Compile(acc, []channel.Config{tc.rule}, "wsgate:", channel.Options{})
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "channel: ") {
			t.Errorf("%q %+v: got %v, want %q", tc.account, tc.rule, err, tc.want)
		}
	}
	same := []channel.Config{{Pattern: "x:{a}"}, {Pattern: "x:{b}"}}
	if _, err := channel.Compile(nil, same, "wsgate:", channel.Options{}); err == nil || !strings.Contains(err.Error(), "matches what") {
		t.Errorf("two equal patterns: %v", err)
	}
}

func TestFirstRuleWins(t *testing.T) {
	t.Parallel()
	r := compile(t, nil, channel.Config{Pattern: "d:{id}", Redis: "one"}, channel.Config{Pattern: "d:7", Redis: "two"}, channel.Config{Pattern: "d:{id}:x", Redis: "three"})
	for command, want := range map[string]string{"d:7": "one", "d:7:x": "three"} {
		if m, err := r.Match(command, ann); err != nil || m.Redis != want {
			t.Errorf("%s: %q %v", command, m.Redis, err)
		}
	}
}

func TestNilRulesKnowNothing(t *testing.T) {
	t.Parallel()
	if _, err := compile(t, nil).Match("x", ann); !errors.Is(err, channel.ErrUnknown) {
		t.Fatal(err)
	}
}

func ExampleRules_Match() {
	r, err := channel.Compile(&channel.Account{Pattern: "msg:{account}"},
		[]channel.Config{{Pattern: "data_imei:{id}", Redis: "{claims.tenant}:{id}"}}, "wsgate:", channel.Options{})
	if err != nil {
		panic(err)
	}
	m, err := r.Match("data_imei:17", channel.User{Subject: "1", Claims: map[string]any{"tenant": "acme"}})
	fmt.Println(m.Redis, err)
	// Output: acme:17 <nil>
}
