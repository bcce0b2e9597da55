//go:build linux

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wsgate/wsgate/bench/internal/scenario"
)

func scenarioNames() []string {
	var names []string
	for _, s := range scenario.All() {
		names = append(names, s.Name)
	}
	return names
}

// choose turns -scenario and -all into scenarios.
func choose(f flags) ([]scenario.Scenario, error) {
	if f.all == (f.scenario != "") {
		return nil, errors.New("bench: say what to measure: -all, or -scenario with one of " + strings.Join(scenarioNames(), ", "))
	}
	if f.all {
		return scenario.All(), nil
	}
	var chosen []scenario.Scenario
	for name := range strings.SplitSeq(f.scenario, ",") {
		s, ok := scenario.Find(name)
		if !ok {
			return nil, fmt.Errorf("bench: no scenario %q: write one of %s", name, strings.Join(scenarioNames(), ", "))
		}
		chosen = append(chosen, s)
	}
	return chosen, nil
}

// wanted are the servers that any of the scenarios needs.
func wanted(f flags, chosen []scenario.Scenario) []string {
	if f.servers != "" {
		return strings.Split(f.servers, ",")
	}
	var names []string
	for _, s := range chosen {
		names = append(names, s.Servers...)
	}
	return names
}

// repetitions are those asked for, or the usual.
func repetitions(f flags) int {
	switch {
	case f.reps > 0:
		return f.reps
	case f.brief:
		return 1
	default:
		return 3
	}
}

// options are the usual ones with what the flags change.
func options(f flags) scenario.Options {
	o := scenario.Full()
	switch {
	case f.quick:
		o = scenario.Quick()
	case f.brief:
		o = scenario.Brief()
	}
	o.Profile = f.profile
	if f.sockets > 0 {
		o.Sockets = f.sockets
	}
	if f.warm > 0 {
		o.Warm = f.warm
	}
	if f.length > 0 {
		o.Length = f.length
	}
	return o
}
