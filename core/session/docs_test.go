package session

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestInvariantsAreDocumented compares docs/invariants.md with the tests.
func TestInvariantsAreDocumented(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../docs/invariants.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	err = filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		src, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(src, -1) {
			tests[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| (\d+) \|.*\| (.*) \|$`).FindAllStringSubmatch(string(raw), -1)
	if len(rows) != 18 {
		t.Fatalf("%d rows, want one for each of 18 invariants", len(rows))
	}
	for i, row := range rows {
		if row[1] != fmt.Sprint(i+1) {
			t.Errorf("row %d is about invariant %s", i+1, row[1])
		}
		for _, name := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(row[2], -1) {
			if !tests[name[1]] {
				t.Errorf("invariant %s: there is no %s", row[1], name[1])
			}
		}
	}
	for name := range tests {
		if strings.HasPrefix(name, "TestInvariant0") && !strings.Contains(string(raw), "`"+name+"`") {
			t.Errorf("docs/invariants.md does not have %s", name)
		}
	}
}
