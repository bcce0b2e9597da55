package caddymodule

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// TestWarnLogs loads configurations as `caddy validate` does, and reads what
// was warned of. Caddy's default log is one of the process: no t.Parallel.
func TestWarnLogs(t *testing.T) {
	const filter = "format filter {\n request>uri query {\n replace token REDACTED\n }\n }\n"
	for _, tc := range []struct {
		name   string
		global string // of the default log
		site   string
		gate   string
		want   []string // log parameter
	}{
		{"nothing", "", "", "", []string{"default token"}},
		{"all filtered", filter, "log {\n output stderr\n" + filter + "}", "", nil},
		{"access log not filtered", filter, "log {\n output stderr\n}", "", []string{"log0 token"}},
		{"default log not filtered", "", "log {\n output stderr\n" + filter + "}", "", []string{"default token"}},
		{"access log discarded", filter, "log {\n output discard\n}", "", nil},
		{"access log in the default log", filter, "log", "", nil},
		{"another parameter", filter, "", "token query access_token", []string{"default access_token"}},
		{"a path", filter, "", "token path /ws/{token}\n socket /ws/{token} {\n account msg:{account}\n}", []string{"default /ws/{token}"}},
		{"a path, filtered", "format filter {\n request>uri regexp ^/ws/[^/?]+ /ws/REDACTED\n }", "", "token path /ws/{token}\n socket /ws/{token} {\n account msg:{account}\n}", nil},
		{"a bare subprotocol", filter, "", "token subprotocol bare", []string{"default request>headers>Sec-Websocket-Protocol", "default resp_headers>Sec-Websocket-Protocol"}},
		{"a bare subprotocol, filtered", "format filter {\n request>headers>Sec-Websocket-Protocol delete\n resp_headers>Sec-Websocket-Protocol delete\n }", "", "token subprotocol bare", nil},
		{"no query", "", "", "token header X-Token", nil},
		{"the whole uri", "format filter {\n request>uri delete\n }", "", "", nil},
		{"the whole request", "format filter {\n request delete\n }", "", "", nil},
		{"only renamed", "format filter {\n request>uri rename uri\n }", "", "", []string{"default token"}},
		{"under append", "format append {\n wrap filter {\n request>uri query {\n delete token\n }\n }\n node a\n }", "", "", nil},
		{"regexp", "format filter {\n request>uri regexp token=[^&]* token=REDACTED\n }", "", "", nil},
		{"no http", "exclude http", "", "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := warnings(t, "{\n admin off\n log default {\n output discard\n"+tc.global+"\n}\n}\nhttp://127.0.0.1:1 {\n"+
				tc.site+"\n wsgate {\n introspect http://127.0.0.1:2/me {\n subject body.id\n }\n"+tc.gate+"\n}\n}\n")
			if !slices.Equal(got, tc.want) {
				t.Errorf("warned of %q, want %q", got, tc.want)
			}
		})
	}
}

// warnings provisions a configuration and returns which parameters of which
// logs were warned of.
func warnings(t *testing.T, caddyfile string) []string {
	t.Helper()
	raw, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), nil)
	if err != nil {
		t.Fatal(err)
	}
	var cfg caddy.Config
	if err := json.Unmarshal(raw, &cfg); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "log")
	cfg.Logging.Logs["captured"] = &caddy.CustomLog{
		BaseLog: caddy.BaseLog{
			WriterRaw:  caddyconfig.JSON(map[string]any{"output": "file", "filename": file}, nil),
			EncoderRaw: []byte(`{"format":"json"}`),
		},
		Include: []string{"http.handlers.wsgate"},
	}
	if err := caddy.Validate(&cfg); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(log)) {
		var entry struct{ Msg, Log, Parameter string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(entry.Msg, "does not show its log filters") {
			t.Error("the log filters of this Caddy can't be read any more")
		}
		if entry.Log != "" {
			all = append(all, entry.Log+" "+entry.Parameter)
		}
	}
	return all
}
