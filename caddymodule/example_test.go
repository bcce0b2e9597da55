package caddymodule

import (
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// TestExampleFile holds Caddyfile.example to what it is for: it adapts without
// a warning, is formatted as `caddy fmt` does it, and hides its query token.
// It loads a configuration: no t.Parallel.
func TestExampleFile(t *testing.T) {
	data, err := os.ReadFile("../Caddyfile.example")
	if err != nil {
		t.Fatal(err)
	}
	if got := adapt(t, string(data)); !strings.Contains(got, `"handler": "wsgate"`) {
		t.Errorf("no wsgate in it:\n%s", got)
	}
	if string(caddyfile.Format(data)) != string(data) {
		t.Error("Caddyfile.example is not formatted: run `caddy fmt --overwrite Caddyfile.example`")
	}
	if got := warnings(t, strings.ReplaceAll(string(data), "\tlog {", "\tlog {\n\t\toutput stderr")); len(got) > 0 {
		t.Errorf("warned of %q", got)
	}
}
