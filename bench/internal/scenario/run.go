//go:build linux

package scenario

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/wsgate/wsgate/bench/internal/eventloop"
	"github.com/wsgate/wsgate/bench/internal/peer"
	"github.com/wsgate/wsgate/bench/internal/report"
)

// Plan is what is asked of whom, how often.
type Plan struct {
	Place    Place
	Options  Options
	Scenario Scenario
	Servers  []string
	Reps     int
	// Progress is told each repetition's figures as they come.
	Progress io.Writer
	// Redis is set to the version that was used.
	Redis string
}

// Run measures. The servers take turns within each repetition, so that a drift
// of the machine hits all of them. What one server can't do is a note in its
// row, and no reason to stop.
func (p *Plan) Run(l *eventloop.Loop) *report.Table {
	table := &report.Table{Scenario: p.Scenario.Name, Title: p.Scenario.Title, Columns: p.Scenario.Columns}
	missing := map[string]bool{}
	for rep := range p.Reps {
		for _, name := range p.Servers {
			if missing[name] {
				continue
			}
			err := p.once(l, table, name, rep)
			if err == nil {
				continue
			}
			row := table.Row(name)
			row.Note = join(row.Note, fmt.Sprintf("repetition %d: %v", rep+1, err))
			if errors.Is(err, peer.ErrMissing) {
				row.Note, missing[name] = err.Error(), true
			}
			_, _ = fmt.Fprintf(p.Progress, "%s %s %d: %v\n", p.Scenario.Name, name, rep+1, err)
		}
	}
	return table
}

// once is one repetition on one server.
func (p *Plan) once(l *eventloop.Loop, table *report.Table, name string, rep int) error {
	rig, err := Build(l, p.Place, name, fmt.Sprintf("%s-%d-%d", name, rep, time.Now().UnixNano()), p.Options)
	if err != nil {
		return err
	}
	defer rig.Close()
	p.Redis = rig.Redis.Version
	readings, err := p.Scenario.Run(rig)
	for _, got := range readings {
		row := table.Row(name + got.Row)
		row.Version = rig.Server.Version
		row.Values = append(row.Values, got.Values)
		_, _ = fmt.Fprintf(p.Progress, "%s %s%s %d: %s\n", p.Scenario.Name, name, got.Row, rep+1, p.figures(got.Values))
	}
	if len(rig.Notes) > 0 {
		row := table.Row(name + firstRow(readings))
		row.Note = join(row.Note, fmt.Sprintf("repetition %d: %s", rep+1, strings.Join(slices.Compact(rig.Notes), "; ")))
		_, _ = fmt.Fprintf(p.Progress, "  %s\n", row.Note)
	}
	return err
}

func firstRow(readings []Reading) string {
	if len(readings) == 0 {
		return ""
	}
	return readings[0].Row
}

func (p *Plan) figures(values []float64) string {
	var parts []string
	for i, v := range values {
		if i < len(p.Scenario.Columns) && !math.IsNaN(v) {
			c := p.Scenario.Columns[i]
			parts = append(parts, fmt.Sprintf("%s %.*f", c.Name, c.Digits, v))
		}
	}
	return strings.Join(parts, ", ")
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
