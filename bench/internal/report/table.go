package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Column is one figure of a scenario.
type Column struct {
	Name string `json:"name"`
	// Digits after the point.
	Digits int `json:"-"`
	// Plain columns show the median alone, without the spread.
	Plain bool `json:"-"`
}

// Row is what one server did: the values of each repetition, in the order of
// the table's columns.
type Row struct {
	Server  string      `json:"server"`
	Version string      `json:"version,omitempty"`
	Values  [][]float64 `json:"values"`
	// Note is what is wrong with the figures, or why there are none.
	Note string `json:"note,omitempty"`
}

// Table is the result of one scenario.
type Table struct {
	Scenario string   `json:"scenario"`
	Title    string   `json:"title"`
	Columns  []Column `json:"columns"`
	Rows     []*Row   `json:"rows"`
}

// Row finds a row, or adds it.
func (t *Table) Row(server string) *Row {
	for _, r := range t.Rows {
		if r.Server == server {
			return r
		}
	}
	r := &Row{Server: server}
	t.Rows = append(t.Rows, r)
	return r
}

// Markdown writes medians with their spread: "4.84 (4.65–5.61)".
func (t *Table) Markdown() string {
	var b strings.Builder
	b.WriteString("| server |")
	for _, c := range t.Columns {
		fmt.Fprintf(&b, " %s |", c.Name)
	}
	b.WriteString("\n|---|" + strings.Repeat("--:|", len(t.Columns)) + "\n")
	var notes strings.Builder
	for _, r := range t.Rows {
		fmt.Fprintf(&b, "| %s |", r.Server)
		for i, c := range t.Columns {
			fmt.Fprintf(&b, " %s |", r.cell(i, c))
		}
		b.WriteByte('\n')
		if r.Note != "" {
			fmt.Fprintf(&notes, "- %s: %s\n", r.Server, r.Note)
		}
	}
	if notes.Len() > 0 {
		return b.String() + "\n" + notes.String()
	}
	return b.String()
}

func (r *Row) cell(i int, c Column) string {
	s := r.column(i)
	if len(s) == 0 {
		return "–"
	}
	median := fmt.Sprintf("%.*f", c.Digits, Median(s))
	if len(s) == 1 || c.Plain {
		return median
	}
	return fmt.Sprintf("%s (%.*f–%.*f)", median, c.Digits, s[0], c.Digits, s[len(s)-1])
}

// Spread is the least, the middle and the greatest value of column i over the
// repetitions; ok is false where it was never measured.
func (r *Row) Spread(i int) (low, median, high float64, ok bool) {
	s := r.column(i)
	if len(s) == 0 {
		return 0, 0, 0, false
	}
	return s[0], Median(s), s[len(s)-1], true
}

// column is sorted, without what could not be measured.
func (r *Row) column(i int) []float64 {
	var s []float64
	for _, v := range r.Values {
		if i < len(v) && !math.IsNaN(v[i]) {
			s = append(s, v[i])
		}
	}
	slices.Sort(s)
	return s
}

// Median of a sorted slice; NaN where it is empty.
func Median(s []float64) float64 {
	switch n := len(s); {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return s[n/2]
	default:
		return (s[n/2-1] + s[n/2]) / 2
	}
}
