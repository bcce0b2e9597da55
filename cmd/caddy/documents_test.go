package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

const root = "../.."

// documents are the repository's Markdown files.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != root):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		raw, err := os.ReadFile(path) //nolint:gosec // the repository's own
		name, _ := filepath.Rel(root, path)
		all[filepath.ToSlash(name)] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "docs/reference.md", "client/README.md"} {
		if all[name] == "" {
			t.Fatalf("%s was not found", name)
		}
	}
	return all
}

var fence = regexp.MustCompile("(?m)^```(\\w*)\n((?s:.*?))^```$")

// TestDocumentedCaddyfiles validates each Caddyfile of the documents, and
// Caddyfile.example, as `caddy validate` does.
func TestDocumentedCaddyfiles(t *testing.T) { //nolint:paralleltest // sets the environment, and Caddy has one configuration
	t.Setenv("REDIS_URL", "redis://127.0.0.1:6379")
	caddy.RegisterModule(documentedHandler{})
	found := 0
	check := func(where, file string) {
		found++
		t.Run(where, func(t *testing.T) {
			if err := validate(file); err != nil {
				t.Errorf("%v\nin:\n%s", err, file)
			}
		})
	}
	for name, text := range documents(t) {
		for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
			where := fmt.Sprintf("%s:%d", name, 1+strings.Count(text[:at[0]], "\n"))
			switch text[at[2]:at[3]] {
			case "":
				t.Errorf("%s: the block does not say what it holds, such as ```caddyfile", where)
			case "caddyfile":
				file, err := whole(text[at[4]:at[5]])
				if err != nil {
					t.Errorf("%s: %v", where, err)
					continue
				}
				check(where, file)
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d Caddyfiles were found", found)
	}
	example, err := os.ReadFile(filepath.Join(root, "Caddyfile.example"))
	if err != nil {
		t.Fatal(err)
	}
	check("Caddyfile.example", string(example))
}

// whole puts around a snippet what it leaves out.
func whole(snippet string) (string, error) {
	first := strings.Fields(snippet)[0]
	switch first {
	case "introspect", "login", "socket", "sse", "guard", "sessions", "admin_sessions", "token", "limits":
		return aroundSnippet(snippet), nil
	case "message", "channel":
		return aroundSnippet("socket /around {\n" + snippet + "}\n"), nil
	case "allow":
		return aroundSnippet("admin_sessions /around {\n" + snippet + "}\n"), nil
	case "request>uri":
		return "{\nlog {\nformat filter {\n" + snippet + "}\n}\n}\n", nil
	}
	if first != "{" && !strings.Contains(snippet, "wsgate {") {
		return "", fmt.Errorf("nobody knows where a snippet that begins with %q belongs", first)
	}
	return strings.ReplaceAll(snippet, "<handler> …", "documented"), nil
}

func aroundSnippet(s string) string {
	if !regexp.MustCompile(`(?m)^introspect `).MatchString(s) {
		s = "introspect http://127.0.0.1:8080/me {\nsubject body.id\n}\n" + s
	}
	return "http://around.example {\nwsgate {\n" + s + "}\n}\n"
}

func validate(file string) error {
	out, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(file), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	for _, w := range warnings {
		if !strings.Contains(w.Message, "not formatted") {
			return fmt.Errorf("warning: %s", w.String())
		}
	}
	var cfg caddy.Config
	if err := json.Unmarshal(out, &cfg); err != nil {
		return err
	}
	return caddy.Validate(&cfg)
}

// documentedHandler stands where a plugin's handler of events would.
type documentedHandler struct{}

func (documentedHandler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.documented", New: func() caddy.Module { return new(documentedHandler) }}
}
func (*documentedHandler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }
func (*documentedHandler) Handle(context.Context, caddy.Event) error       { return nil }

// TestDocumentsLeadSomewhere follows the links between the documents, and looks whether
// there is what they tell one to make or run.
func TestDocumentsLeadSomewhere(t *testing.T) {
	t.Parallel()
	docs := documents(t)
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(root, name))
		return err == nil
	}
	targets := map[string]string{}
	for _, file := range []string{"Makefile", "bench/Makefile"} {
		raw, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		targets[file] = string(raw)
	}
	has := func(makefile, target string) bool {
		return regexp.MustCompile(`(?m)^` + target + `:`).MatchString(targets[makefile])
	}
	for name, text := range docs {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1) {
			file, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(file, "://") {
				continue
			}
			to := name
			if file != "" {
				to = filepath.ToSlash(filepath.Join(filepath.Dir(name), file))
			}
			if !exists(to) {
				t.Errorf("%s: %s is not there", name, m[1])
			} else if anchor != "" && !slices.Contains(anchors(docs[to]), anchor) {
				t.Errorf("%s: %s has no heading #%s", name, to, anchor)
			}
		}
		for _, m := range regexp.MustCompile("(?m)(?:`|^)make (?:-C (bench) )?([a-z]+)").FindAllStringSubmatch(text, -1) {
			if makefile := filepath.ToSlash(filepath.Join(m[1], "Makefile")); !has(makefile, m[2]) {
				t.Errorf("%s: %s has no %s", name, makefile, m[2])
			}
		}
		for _, m := range regexp.MustCompile(`go (?:run|test|build)[^\n]* \./([\w/]+)`).FindAllStringSubmatch(text, -1) {
			if !exists(strings.TrimSuffix(m[1], "/")) {
				t.Errorf("%s: there is no ./%s", name, m[1])
			}
		}
	}
}

// anchors are the fragments that GitHub gives to headings.
func anchors(markdown string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^#+ +(.*)$`).FindAllStringSubmatch(fence.ReplaceAllString(markdown, ""), -1) {
		slug := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(slug, " ", "-"))
	}
	return all
}
