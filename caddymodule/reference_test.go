package caddymodule

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReferenceHasEverySubdirective compares docs/reference.md with the parser.
func TestReferenceHasEverySubdirective(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../docs/reference.md")
	if err != nil {
		t.Fatal(err)
	}
	golden := goldenText(t)
	var walk func(n nested)
	walk = func(n nested) {
		for _, name := range n.missing() {
			if !bytes.Contains(raw, []byte("`"+name+"`")) {
				t.Errorf("docs/reference.md does not say that `%s` (of %s) is missing", name, n.title())
			}
		}
		n.each(func(name, _ string, inner nested) {
			if !bytes.Contains(raw, []byte("`"+name+" ")) && !bytes.Contains(raw, []byte("`"+name+"`")) {
				t.Errorf("docs/reference.md has no `%s` (of %s)", name, n.title())
			}
			if !regexp.MustCompile(`(?m)^\s*` + name + `\b`).MatchString(golden) {
				t.Errorf("no golden file uses %s (of %s)", name, n.title())
			}
			if inner != nil {
				walk(inner)
			}
		})
	}
	walk(topLevel)
}

// goldenText is the Caddyfiles of all golden files that are accepted.
func goldenText(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.caddyfiletest")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		if strings.HasPrefix(filepath.Base(f), "error") {
			continue
		}
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		input, _, _ := strings.Cut(string(raw), separator)
		all.WriteString(input)
	}
	return all.String()
}
