//go:build linux

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/wsgate/wsgate/bench/internal/plot"
	"github.com/wsgate/wsgate/bench/internal/report"
)

// picture is one column of a scenario against the number in its rows' names.
type picture struct {
	file, title, x, y string
	column            string
	log               bool
}

var pictures = map[string][]picture{
	"scale": {
		{file: "memory.svg", title: "Resident memory an idle socket", x: "sockets", y: "KiB", column: "KiB/socket idle"},
		{file: "cost.svg", title: "CPU of a delivery at 100,000/s", x: "sockets", y: "µs", column: "CPU µs/delivery"},
	},
	"load": {
		{file: "latency.svg", title: "Latency (p99) against load, 5,000 sockets", x: "deliveries/s", y: "ms", column: "p99 ms", log: true},
		{file: "load-cost.svg", title: "CPU of a delivery against load, 5,000 sockets", x: "deliveries/s", y: "µs", column: "CPU µs/delivery"},
	},
}

// plots draws what a scenario has pictures for.
func plots(t *report.Table, dir string) error {
	if len(pictures[t.Scenario]) > 0 {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for _, p := range pictures[t.Scenario] {
		i := slices.IndexFunc(t.Columns, func(c report.Column) bool { return c.Name == p.column })
		c := plot.Chart{Title: p.title, X: p.x, Y: p.y, LogY: p.log, Series: series(t, i)}
		if err := os.WriteFile(filepath.Join(dir, p.file), []byte(c.SVG()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// series splits rows such as `naive@5000` into a line a server.
func series(t *report.Table, column int) []plot.Series {
	var all []plot.Series
	for _, r := range t.Rows {
		name, number, ok := strings.Cut(r.Server, "@")
		x, err := strconv.ParseFloat(number, 64)
		low, middle, high, measured := r.Spread(column)
		if !ok || err != nil || !measured {
			continue
		}
		i := slices.IndexFunc(all, func(s plot.Series) bool { return s.Name == name })
		if i < 0 {
			i = len(all)
			all = append(all, plot.Series{Name: name})
		}
		all[i].Points = append(all[i].Points, plot.Point{X: x, Y: middle, Low: low, High: high})
	}
	return all
}
