package report

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/wsgate/wsgate/bench/internal/machine"
)

// Document is a whole run, as it is kept in JSON.
type Document struct {
	When    string       `json:"when"`
	Machine machine.Info `json:"machine"`
	Command string       `json:"command"`
	Redis   string       `json:"redis"`
	Tables  []*Table     `json:"tables"`
}

// MarshalJSON leaves out what could not be measured: JSON has no NaN.
func (r *Row) MarshalJSON() ([]byte, error) {
	type plain Row
	values := make([][]*float64, len(r.Values))
	for i, v := range r.Values {
		for _, f := range v {
			p := &f
			if math.IsNaN(f) || math.IsInf(f, 0) {
				p = nil
			}
			values[i] = append(values[i], p)
		}
	}
	return json.Marshal(struct {
		*plain
		Values [][]*float64 `json:"values"`
	}{(*plain)(r), values})
}

// Write writes the run as JSON.
func (d *Document) Write(file string) error {
	b, err := json.MarshalIndent(d, "", "\t")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

// Place replaces what stands between a scenario's two markers,
// `<!-- bench:name -->` and `<!-- /bench:name -->`, in a Markdown file.
func Place(file, name, text string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	begin, end := "<!-- bench:"+name+" -->", "<!-- /bench:"+name+" -->"
	before, rest, ok := strings.Cut(string(b), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("report: %s has no place for it: write the lines %s and %s", file, begin, end)
	}
	return os.WriteFile(file, []byte(before+begin+"\n\n"+strings.TrimSpace(text)+"\n\n"+end+after), 0o644)
}

// Stamp is the line under which a table stands in a document.
func (d *Document) Stamp() string {
	var versions []string
	for _, t := range d.Tables {
		for _, r := range t.Rows {
			name, _, _ := strings.Cut(r.Server, " ")
			name, _, _ = strings.Cut(name, "@")
			if v := name + ": " + r.Version; r.Version != "" && !slices.Contains(versions, v) {
				versions = append(versions, v)
			}
		}
	}
	return fmt.Sprintf("%s UTC, %s, Redis %s. %s.\n`%s`", d.When, d.Machine, d.Redis, strings.Join(versions, "; "), d.Command)
}
