//go:build linux

package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wsgate/wsgate/bench/internal/eventloop"
	"github.com/wsgate/wsgate/bench/internal/machine"
	"github.com/wsgate/wsgate/bench/internal/peer"
	"github.com/wsgate/wsgate/bench/internal/report"
	"github.com/wsgate/wsgate/bench/internal/scenario"
)

type flags struct {
	scenario, servers, out, update string
	profile                        string
	all, quick, brief, pin         bool
	sockets, reps                  int
	serverCPU, otherCPU            int
	warm, length                   time.Duration
}

func main() {
	var f flags
	flag.StringVar(&f.scenario, "scenario", "", "measure these, by comma: "+strings.Join(scenarioNames(), ", "))
	flag.BoolVar(&f.all, "all", false, "measure every scenario")
	flag.StringVar(&f.servers, "servers", "", "only these servers, by comma: "+strings.Join(peer.Names(), ", "))
	flag.IntVar(&f.sockets, "n", 0, "sockets, instead of the scenario's own number")
	flag.IntVar(&f.reps, "reps", 0, "repetitions [3, with -brief 1]")
	flag.DurationVar(&f.warm, "warm", 0, "warm-up of each load, instead of the usual")
	flag.DurationVar(&f.length, "length", 0, "measured time of each load, instead of the usual")
	flag.StringVar(&f.profile, "profile", "", "folder for profiles of wsgate; they disturb the figures")
	flag.BoolVar(&f.quick, "quick", false, "tiny and short: shows that everything works, and measures nothing")
	flag.BoolVar(&f.brief, "brief", false, "shorter: everything in about twenty minutes, with more noise")
	flag.BoolVar(&f.pin, "pin", true, "give the server one CPU and everything else another")
	flag.IntVar(&f.serverCPU, "server-cpu", 0, "the server's CPU")
	flag.IntVar(&f.otherCPU, "other-cpu", 1, "everything else's CPU")
	flag.StringVar(&f.out, "out", "", "folder for the results as JSON and plots [bench/results]")
	flag.StringVar(&f.update, "update", "", "put the tables into this document, docs/performance.md")
	flag.Parse()
	if flag.NArg() > 0 {
		fail(fmt.Errorf("bench: %q is no flag", flag.Arg(0)))
	}
	if err := run(f); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func run(f flags) error {
	chosen, err := choose(f)
	if err != nil {
		return err
	}
	root, err := peer.Root()
	if err != nil {
		return err
	}
	if f.out == "" {
		f.out = filepath.Join(root, "bench", "results")
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return err
	}
	place := scenario.Place{Root: root, Bin: filepath.Join(root, "bench", ".build"), ServerCPU: -1, OtherCPU: -1}
	if err := peer.Build(root, place.Bin, wanted(f, chosen)); err != nil {
		return err
	}
	machine.OpenFiles()
	if f.pin {
		place.ServerCPU, place.OtherCPU = f.serverCPU, f.otherCPU
		if err := machine.Pin(f.otherCPU); err != nil {
			return err
		}
	}
	loop, err := eventloop.New()
	if err != nil {
		return err
	}
	doc := report.Document{
		When: time.Now().UTC().Format(time.DateTime), Machine: machine.Describe(),
		Command: "go run ./bench " + strings.Join(os.Args[1:], " "),
	}
	for _, s := range chosen {
		if err := measure(loop, f, s, place, &doc); err != nil {
			return err
		}
	}
	return nil
}

// measure runs one scenario and puts its results everywhere they belong.
func measure(loop *eventloop.Loop, f flags, s scenario.Scenario, place scenario.Place, doc *report.Document) error {
	plan := scenario.Plan{
		Place: place, Options: options(f), Scenario: s, Servers: s.Servers, Reps: repetitions(f), Progress: os.Stderr,
	}
	if f.servers != "" {
		plan.Servers = strings.Split(f.servers, ",")
	}
	table := plan.Run(loop)
	doc.Redis = plan.Redis
	doc.Tables = []*report.Table{table}
	fmt.Printf("\n## %s\n\n%s\n", table.Title, table.Markdown())
	if err := doc.Write(filepath.Join(f.out, s.Name+".json")); err != nil {
		return err
	}
	pictures := f.out
	if f.update != "" { // beside the document, which shows them
		pictures = strings.TrimSuffix(f.update, ".md")
	}
	if err := plots(table, pictures); err != nil || f.update == "" {
		return err
	}
	return report.Place(f.update, s.Name, doc.Stamp()+"\n\n"+table.Markdown())
}
