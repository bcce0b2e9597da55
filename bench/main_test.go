//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/bench/internal/eventloop"
	"github.com/wsgate/wsgate/bench/internal/peer"
	"github.com/wsgate/wsgate/bench/internal/report"
	"github.com/wsgate/wsgate/bench/internal/scenario"
)

// TestQuick runs every scenario, tiny, on wsgate and the floor. It holds no
// figure against a threshold: only that everything arrived at wsgate's sockets,
// once, in order. The others drop what they can't write, and on a busy machine
// that is theirs to do.
func TestQuick(t *testing.T) {
	root, err := peer.Root()
	if err != nil {
		t.Fatal(err)
	}
	servers := []string{"floor", "wsgate"}
	place := scenario.Place{Root: root, Bin: t.TempDir(), ServerCPU: -1, OtherCPU: -1}
	if err := peer.Build(root, place.Bin, append([]string{"nodes-1"}, servers...)); err != nil {
		t.Fatal(err)
	}
	loop, err := eventloop.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = loop.Close() })
	for _, s := range scenario.All() {
		options := scenario.Quick()
		options.Sockets = 20
		asked := servers
		if s.Name == "http" {
			asked = []string{"wsgate"}
		}
		if s.Name == "ways" {
			asked = s.Servers
		}
		if s.Name == "nodes" {
			asked = s.Servers[:2]
		}
		plan := scenario.Plan{Place: place, Options: options, Scenario: s, Servers: asked, Reps: 1, Progress: t.Output()}
		table := plan.Run(loop)
		for _, row := range table.Rows {
			if row.Note != "" && row.Server != "floor" {
				t.Errorf("%s: %s: %s", s.Name, row.Server, row.Note)
			}
			for _, v := range row.Values {
				if len(v) != len(s.Columns) {
					t.Errorf("%s: %s: %d values for %d columns", s.Name, row.Server, len(v), len(s.Columns))
				}
			}
		}
		dir := t.TempDir()
		if err := plots(table, dir); err != nil {
			t.Error(err)
		}
		for _, p := range pictures[s.Name] {
			if b, err := os.ReadFile(filepath.Join(dir, p.file)); err != nil || !strings.Contains(string(b), "<circle") {
				t.Errorf("%s draws nothing: %v", p.file, err)
			}
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		f    flags
		want int
		err  string
	}{
		{"nothing", flags{}, 0, "say what to measure"},
		{"both", flags{all: true, scenario: "own"}, 0, "say what to measure"},
		{"all", flags{all: true}, len(scenario.All()), ""},
		{"two", flags{scenario: "own,storm"}, 2, ""},
		{"unknown", flags{scenario: "own,strom"}, 0, `no scenario "strom"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := choose(tt.f)
			if len(got) != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("%d scenarios, %v", len(got), err)
			}
		})
	}
	if repetitions(flags{}) != 3 || repetitions(flags{brief: true}) != 1 || repetitions(flags{brief: true, reps: 2}) != 2 {
		t.Fatal("repetitions")
	}
	if o := options(flags{sockets: 3, warm: time.Second}); o.Sockets != 3 || o.Warm != time.Second {
		t.Fatal("flags do not override the usual options")
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	table := &report.Table{}
	table.Row("a@10").Values = [][]float64{{3}, {1}, {2}}
	table.Row("a@20").Values = [][]float64{{5}}
	table.Row("b@10").Note = "not here"
	s := series(table, 0)
	if len(s) != 1 || len(s[0].Points) != 2 || s[0].Points[0].Y != 2 || s[0].Points[0].High != 3 {
		t.Fatalf("%+v", s)
	}
}

// TestDocumentHasAPlaceForEach keeps docs/performance.md and the scenarios one.
func TestDocumentHasAPlaceForEach(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "performance.md")
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, s := range scenario.All() {
		if err := report.Place(file, s.Name, "x"); err != nil {
			t.Error(err)
		}
		for _, p := range pictures[s.Name] {
			if !strings.Contains(string(b), "performance/"+p.file) {
				t.Errorf("the document does not show %s", p.file)
			}
		}
	}
	for _, name := range peer.Names() {
		if !strings.Contains(string(b), "\n| "+name+" |") {
			t.Errorf("the document does not say what %s is", name)
		}
	}
}
