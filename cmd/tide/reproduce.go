package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/cost"
	"github.com/tidelog/tide/results/figures"
	"github.com/tidelog/tide/results/report"
	"github.com/tidelog/tide/results/stats"
	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/matrix"
)

func init() {
	register("reproduce", "Make figures of the paper again on this machine, and check that they come out as expected.", &reproduceCmd{})
}

// reproduceCmd is `tide reproduce`.
type reproduceCmd struct {
	Figure []string `arg:"" help:"Figures to make: F1, F1L (the log), F2 … F5L (a live cache) …, or all. Of all, those that cannot be made here are passed over, with the reason."`
	Quick  bool     `help:"Fewer points, two short repeats each: minutes on a laptop. Not quotable."`
	Out    string   `help:"Directory of the results, one below it for each figure where there are several. Trials that it holds already are not run again. Default ./tide-runs/FIGURE." placeholder:"DIR"`
	Prices string   `help:"Price book (YAML) in place of the built-in one." placeholder:"FILE"`
	Device string   `help:"F1, F1L, F3, F10: file or raw block device to write to; what is on it is lost. Default a file of 1GiB in the directory of the results, removed at the end." placeholder:"PATH"`

	book cost.Book // of Prices; figures reads it, before anything is run
}

// Help is printed below the flags' text.
func (c *reproduceCmd) Help() string {
	return "Exit code 1: a number lies outside of its expected range, or a trial that it needs failed."
}

// Run makes each figure in turn; the ones after a failed one are made too.
func (c *reproduceCmd) Run(ctx context.Context, std *stdio) error {
	chosen, err := c.figures()
	if err != nil {
		return usageError{err}
	}
	able, passedOver, err := c.plans(ctx, std, chosen)
	if err != nil {
		return err
	}
	var failed []string
	var all []made
	for _, a := range able {
		m := c.one(ctx, std, a)
		if m.err != nil && (len(able) == 1 || ctx.Err() != nil) {
			return m.err
		}
		if m.err != nil {
			fmt.Fprintf(std.out, "\n%s\n  FAIL  it could not be made: %v\n", a.figure.Title, m.err)
		}
		if !m.ok() {
			failed = append(failed, a.figure.ID)
		}
		all = append(all, m)
	}
	if len(chosen) > 1 {
		printMade(std.out, all, passedOver)
	}
	if len(failed) > 0 {
		return fmt.Errorf("not as expected: %s", strings.Join(failed, ", "))
	}
	return nil
}

// able is a figure that can be made here.
type able struct {
	figure   figures.MatrixFigure
	plan     matrix.Plan
	dir      string
	estimate time.Duration // of the trials that are left
}

// one figure made, and how long it took.
func (c *reproduceCmd) one(ctx context.Context, std *stdio, a able) made {
	began := time.Now()
	m := made{id: a.figure.ID, estimate: a.estimate, expected: len(a.figure.Expected)}
	m.outcomes, m.failed, m.err = c.make(ctx, std, a.figure, a.plan, a.dir)
	m.took = time.Since(began)
	return m
}

// plans says of each figure how long it takes, or why it cannot be made here.
func (c *reproduceCmd) plans(ctx context.Context, std *stdio, chosen []figures.MatrixFigure) ([]able, []made, error) {
	var out []able
	var passedOver []made
	var total time.Duration
	for _, f := range chosen {
		dir := c.dir(f, len(chosen))
		p, err := c.plan(ctx, f, dir)
		if err == nil && c.Device != "" && !c.all() && !p.TakesDevice() {
			err = errors.New(f.ID + " writes to no device: leave --device out")
		}
		if err != nil && !c.all() {
			return nil, nil, usageError{err}
		}
		if err != nil {
			fmt.Fprintf(std.out, "%s: passed over, for it cannot be made here: %v\n", f.ID, err)
			passedOver = append(passedOver, made{id: f.ID, err: err})
			continue
		}
		status := p.Status(dir)
		out = append(out, able{f, p, dir, status.Estimate})
		total += status.Estimate
		fmt.Fprintf(std.out, "%s: %d cells, %d trials, %d of them done; about %v to go\n",
			f.ID, len(p.Cells), len(p.Trials), status.Done, status.Estimate.Round(time.Second))
	}
	if c.all() {
		for _, id := range slices.Sorted(maps.Keys(figures.Later)) {
			fmt.Fprintf(std.out, "%s: passed over: %s\n", id, figures.Later[id])
			passedOver = append(passedOver, made{id: id, err: errors.New(figures.Later[id])})
		}
	}
	if len(chosen) > 1 {
		fmt.Fprintf(std.out, "together about %v\n", total.Round(time.Second))
	}
	return out, passedOver, nil
}

func (c *reproduceCmd) all() bool { return slices.Contains(c.Figure, "all") }

func (c *reproduceCmd) figures() ([]figures.MatrixFigure, error) {
	var err error
	if c.book, err = cost.Read(c.Prices); err != nil {
		return nil, err
	}
	all := figures.OfMatrices()
	var chosen []figures.MatrixFigure
	for _, name := range c.Figure {
		found := false
		for _, f := range all {
			if !strings.EqualFold(name, f.ID) && name != "all" {
				continue
			}
			found = true
			if !slices.ContainsFunc(chosen, func(other figures.MatrixFigure) bool { return other.ID == f.ID }) {
				chosen = append(chosen, f.With(c.book))
			}
		}
		if why := figures.Later[strings.ToUpper(name)]; why != "" {
			return nil, fmt.Errorf("%s: %s", strings.ToUpper(name), why)
		}
		if !found {
			var ids []string
			for _, f := range all {
				ids = append(ids, f.ID)
			}
			return nil, fmt.Errorf("figure %q: want %s or all", name, strings.Join(ids, ", "))
		}
	}
	return chosen, nil
}

// plan of a figure. What the machine has is looked at only if something is left
// to be run: results of another one can be drawn anywhere.
func (c *reproduceCmd) plan(ctx context.Context, f figures.MatrixFigure, dir string) (matrix.Plan, error) {
	content, err := workloads.Matrix(f.Matrix)
	if err != nil {
		return matrix.Plan{}, err
	}
	m, err := matrix.Parse(content, c.Quick)
	if err != nil {
		return matrix.Plan{}, err
	}
	p, err := m.Plan()
	if err != nil || p.Status(dir).Left == 0 {
		return p, err
	}
	return matrix.Prepare(ctx, content, c.Quick, matrix.Machine{Out: dir, Reach: reach, Flags: checkBroker})
}

// dir of a figure. Quick results have their own: the two do not mix.
func (c *reproduceCmd) dir(f figures.MatrixFigure, of int) string {
	name := f.ID
	if c.Quick {
		name += "-quick"
	}
	switch {
	case c.Out == "":
		return filepath.Join("tide-runs", name)
	case of > 1:
		return filepath.Join(c.Out, name)
	default:
		return c.Out
	}
}

// make runs, draws and checks one figure. It returns how many of its trials
// count for nothing, too.
func (c *reproduceCmd) make(ctx context.Context, std *stdio, f figures.MatrixFigure, p matrix.Plan, dir string) ([]figures.Outcome, int, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, 0, err
	}
	bar := newProgress(std.err)
	device := ""
	if p.TakesDevice() {
		device = c.Device
	}
	err = p.Run(ctx, matrix.Config{Binary: self, Out: dir, Device: device, Progress: bar})
	bar.close()
	if err != nil {
		return nil, 0, err
	}
	run, err := results.LoadMatrix(dir)
	if err != nil {
		return nil, 0, err
	}
	drawn, err := f.Draw(run)
	if err != nil && !errors.Is(err, figures.ErrNoData) { // which the check reports, with its cause
		return nil, 0, err
	}
	fmt.Fprintf(std.out, "\n%s\n", f.Title)
	for _, d := range drawn {
		fmt.Fprintf(std.out, "  %s\n", filepath.Join(dir, "figures", d.Name+".svg"))
	}
	outcomes := f.Check(run)
	page, err := report.Matrix{Run: run, Title: f.Title, Drawn: drawn, Outcomes: outcomes, Prices: &c.book}.Write()
	if err != nil {
		return nil, 0, err
	}
	fmt.Fprintf(std.out, "  %s\n", page)
	printNoise(std.out, run)
	printOutcomes(std.out, outcomes)
	return outcomes, len(run.Failed()), nil
}

// printNoise says what the numbers below have to be read with.
func printNoise(w io.Writer, run *results.MatrixRun) {
	for _, warning := range run.Warnings {
		fmt.Fprintf(w, "  warning: %s\n", warning)
	}
	failed := run.Failed()
	for i, t := range failed {
		const shown = 5
		if i == shown {
			fmt.Fprintf(w, "  and %d more failed trials, all in trials.jsonl\n", len(failed)-shown)
			break
		}
		fmt.Fprintf(w, "  failed: %s: %s\n", t.Command, t.Error)
	}
	aa, least, ok := stats.Noise(run.Arms(run.Header.Metric), run.Header.Seed)
	switch {
	case ok && math.IsNaN(least):
		fmt.Fprintf(w, "  A/A difference of %s: %.1f %%, of one repeat; smaller differences mean nothing\n", run.Header.Metric, 100*aa)
	case ok:
		fmt.Fprintf(w, "  A/A difference of %s: %.1f %%, smallest detectable: %.1f %%; smaller differences mean nothing\n", run.Header.Metric, 100*aa, 100*least)
	case run.HasPairs():
		fmt.Fprintf(w, "  warning: no A/A difference: not both arms of a pair have %s\n", run.Header.Metric)
	}
	if run.Header.Quick {
		fmt.Fprintln(w, "  QUICK: not quotable")
	}
}

func printOutcomes(w io.Writer, outcomes []figures.Outcome) {
	for _, o := range outcomes {
		word := "pass"
		if !o.OK() {
			word = "FAIL"
		}
		fmt.Fprintf(w, "  %s  %s\n", word, outcomeText(o))
	}
}

// outcomeText is a number beside what was expected, or why there is none.
func outcomeText(o figures.Outcome) string {
	value := fmt.Sprintf("%.3g", o.Value)
	if o.Err != nil {
		value = o.Err.Error()
	}
	return fmt.Sprintf("%s: %s (expected %g to %g)", o.What, value, o.Low, o.High)
}
