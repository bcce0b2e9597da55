package report

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func table() *Table {
	t := &Table{Scenario: "s", Columns: []Column{{Name: "a", Digits: 1}, {Name: "b", Plain: true}}}
	t.Row("x").Values = [][]float64{{3, 1}, {1, math.NaN()}, {2, 3}}
	t.Row("y").Note = "not installed"
	return t
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	want := "| server | a | b |\n|---|--:|--:|\n| x | 2.0 (1.0–3.0) | 2 |\n| y | – | – |\n\n- y: not installed\n"
	if got := table().Markdown(); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

func TestJSONHoldsNoNaN(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(table())
	if err != nil {
		t.Fatal(err)
	}
	var back Table
	if err := json.Unmarshal(b, &back); err != nil || back.Rows[0].Values[0][0] != 3 || back.Rows[1].Note == "" {
		t.Fatalf("%s: %v", b, err)
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "doc.md")
	if err := os.WriteFile(file, []byte("a\n<!-- bench:s -->\nold\n<!-- /bench:s -->\nb\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // placing again replaces
		if err := Place(file, "s", "new\n"); err != nil {
			t.Fatal(err)
		}
	}
	got, _ := os.ReadFile(file)
	if want := "a\n<!-- bench:s -->\n\nnew\n\n<!-- /bench:s -->\nb\n"; string(got) != want {
		t.Fatalf("got %q", got)
	}
	if Place(file, "other", "x") == nil {
		t.Fatal("no error for a place that isn't there")
	}
}
