//go:build linux

package scenario

import (
	"slices"

	"github.com/wsgate/wsgate/bench/internal/report"
)

// Scenario is one question.
type Scenario struct {
	Name  string
	Title string
	// Columns name the figures, in the order of Reading.Values.
	Columns []report.Column
	// Servers are asked where the command names none.
	Servers []string
	// Run measures one repetition on a server that was just started.
	Run func(*Rig) ([]Reading, error)
}

// Reading is one row's figures of one repetition.
type Reading struct {
	// Row is added to the server's name; usually empty.
	Row string
	// Values may be fewer than the columns: the rest was not measured.
	Values []float64
}

func reading(values ...float64) []Reading { return []Reading{{Values: values}} }

// everyone is all servers, the bounds first.
var everyone = append(slices.Clone(quick), "pushpin")

// quick are those that can take tens of thousands of deliveries a second.
var quick = []string{"floor", "wsgate", "naive", "nchan", "socketio"}

// merging adds the floor that merges, where a backlog is part of the question.
var merging = append([]string{"floor-merge"}, quick...)

// All are the scenarios in the order of the document.
func All() []Scenario {
	return []Scenario{memory, broadcast, saturation, own, storm, guarded, idle, stalled, ways, nodes, scale, load}
}

// Find looks a scenario up.
func Find(name string) (Scenario, bool) {
	all := All()
	i := slices.IndexFunc(all, func(s Scenario) bool { return s.Name == name })
	if i < 0 {
		return Scenario{}, false
	}
	return all[i], true
}
