package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, json string
		want       string // the first replacement's new side, DIR is the file's folder
		wantErr    string
	}{
		{"here", `{"caddy_version":"v2.11.9","replacements":[{"old":"example.com/m","new":"."}]}`, "DIR", ""},
		{"below", `{"caddy_version":"v2.11.9","replacements":[{"old":"example.com/m","new":"./sub"}]}`, "DIR/sub", ""},
		{"absolute", `{"caddy_version":"v2.11.9","replacements":[{"old":"example.com/m","new":"/srv/m"}]}`, "/srv/m", ""},
		{"module", `{"caddy_version":"v2.11.9","replacements":[{"old":"example.com/m","new":"example.com/fork v1.2.3"}]}`, "example.com/fork v1.2.3", ""},
		{"misspelt", `{"caddy_version":"v2.11.9","plugin":[]}`, "", `unknown field "plugin"`},
		{"no version", `{}`, "", "caddy_version is missing"},
		{"no JSON", `caddy`, "", "invalid character"},
		{"two objects", `{"caddy_version":"v2.11.9"}{}`, "", "something follows"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "b.json")
			if err := os.WriteFile(file, []byte(tc.json), 0o600); err != nil {
				t.Fatal(err)
			}
			b, err := load(file)
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Fatalf("got %v, want an error with %q", err, tc.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Replace(tc.want, "DIR", dir, 1)
			if got := string(b.Replacements[0].New); got != want {
				t.Errorf("replaced by %q, want %q", got, want)
			}
		})
	}
}

func TestLoadMissing(t *testing.T) {
	t.Parallel()
	if _, err := load(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Fatal("no error for a file that is not there")
	}
}

// TestOwn holds the shipped file to what it is for: this checkout, by its own
// module path.
func TestOwn(t *testing.T) {
	t.Parallel()
	b, err := load("../../xcaddy.json")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	path := b.Plugins[0].PackagePath
	if !strings.HasPrefix(string(mod), "module "+path+"\n") {
		t.Errorf("the plugin is %s, which is not this module", path)
	}
	if got := string(b.Replacements[0].New); got != root || string(b.Replacements[0].Old) != path {
		t.Errorf("%s is replaced by %s, want %s by %s", b.Replacements[0].Old, got, path, root)
	}
	if !strings.Contains(string(mod), "github.com/caddyserver/caddy/v2 "+b.CaddyVersion+"\n") {
		t.Errorf("xcaddy.json has Caddy %s and go.mod another", b.CaddyVersion)
	}
}

func TestSurplusArgument(t *testing.T) {
	t.Parallel()
	err := run("../../xcaddy.json", filepath.Join(t.TempDir(), "caddy"), []string{"build"})
	if err == nil || !strings.Contains(err.Error(), `unexpected argument "build"`) {
		t.Fatalf("got %v", err)
	}
}
