package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tidelog/tide/results/report"
	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/bench"
	"github.com/tidelog/tide/workloads/driver"
	"github.com/tidelog/tide/workloads/target"
)

func init() {
	register("bench", "Put workloads on targets, one trial each, in turn.", &benchCmd{})
}

// benchCmd is `tide bench`.
type benchCmd struct {
	Workload []string `arg:"" help:"Built-in workload or YAML file; 'list' prints the built-in ones."`
	Target   []string `help:"What to put under load: tide, tide?FLAG=VALUE&… (any flag of tide broker; a comma inside is written \\,), kafka?flush=1&profile=tuned, kafka-tiered, null, or HOST:PORT; docs/BENCHMARKING.md has all keys. Several, with commas between, run in turn. Default tide." default:"tide" placeholder:"TARGET"`
	Config   string   `name:"target-config" help:"YAML file of settings for rows of --target, by kind: tide, null, kafka, kafka-tiered; each holds the keys that a row takes behind its ?, and a row's own come first. Rows that it has settings for are called kafka+FILE in results." placeholder:"FILE"`
	Quick    bool     `help:"Warm up for 10s and run for 20s at most; an eighth of a back-log. The verdict is QUICK at best: not quotable."`
	Search   string   `help:"Look for the highest rate at which the response time of producing holds this limit, such as p99=10ms: a trial for each rate tried, from the workload's on, up to 16 of them (with --quick 9), until it is known to 5 % (15 %). Default for a workload with producerRate: 0: p99=10ms." placeholder:"LIMIT"`
	Driver   string   `help:"Driver file of OpenMessaging Benchmark: replicas, topic settings and the clients' Java properties, put over the workload's." placeholder:"FILE"`
	Ignore   bool     `name:"ignore-unmapped" help:"Go on where properties of the driver have no equivalent; they are listed in run.json."`
	Out      string   `help:"Directory in which each trial's directory is made; the broker's data lies there too while it runs. Default ./tide-runs." default:"tide-runs" placeholder:"DIR"`
	JSON     bool     `name:"json" help:"Print each trial's run.json on standard output, one object a line, instead of tables."`
}

// Run does the trials in the order given. The worst verdict decides the exit.
func (c *benchCmd) Run(ctx context.Context, std *stdio) error {
	if slices.Equal(c.Workload, []string{"list"}) {
		return c.list(std)
	}
	configs, err := c.configs()
	if err != nil {
		return usageError{err}
	}
	for _, cfg := range configs {
		if err := cfg.Target.Prepare(ctx, std.err); err != nil {
			return err
		}
	}
	together := report.NewOverlay()
	var verdict error
	for _, cfg := range configs {
		bar := newProgress(std.err)
		bar.every = cfg.Workload.LogInterval()
		cfg.Progress = bar
		trial, err := bench.Run(ctx, cfg)
		bar.close()
		if err != nil {
			return err
		}
		together.Add(trial)
		if err := printTrial(std, trial, c.JSON); err != nil && !errors.Is(err, errInvalid) {
			return err
		} else if err != nil {
			verdict = err
		}
	}
	if err := printTogether(std, together, c.Out, c.JSON); err != nil {
		return err
	}
	return verdict
}

// printTogether ends several trials in one page over all of them, in out.
func printTogether(std *stdio, together *report.Overlay, out string, asJSON bool) error {
	if together.Len() < 2 {
		return nil
	}
	path := filepath.Join(out, "report-"+time.Now().UTC().Format("20060102-150405.000")+".html")
	if err := together.Write(path); err != nil {
		return err
	}
	if !asJSON {
		together.Summary(std.out)
		fmt.Fprintf(std.out, "%-34s %s\n", "all of them in one report", path)
	}
	return nil
}

// configs parses everything before anything starts.
func (c *benchCmd) configs() ([]bench.Config, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	with, err := c.driver()
	if err != nil {
		return nil, err
	}
	settings, err := c.settings()
	if err != nil {
		return nil, err
	}
	var out []bench.Config
	for _, name := range c.Workload {
		w, err := workloads.Open(name)
		if err == nil {
			err = checkWith(w, with)
		}
		if err != nil {
			return nil, err
		}
		for _, text := range c.Target {
			spec, err := settings.Parse(text)
			if err != nil {
				return nil, err
			}
			cfg := bench.Config{Binary: self, Out: c.Out, Workload: w, Target: spec, Driver: with, TargetConfig: settings, Quick: c.Quick}
			if err := checkFlags(spec); err != nil {
				return nil, err
			}
			if cfg.Search, err = c.search(w); err == nil {
				err = cfg.Check()
			}
			if err != nil {
				return nil, err
			}
			out = append(out, cfg)
		}
	}
	return out, nil
}

// settings of the targets; nil without a file. Those of a kind that no row names
// are checked as well: a typing error in them waits for nobody.
func (c *benchCmd) settings() (*target.Settings, error) {
	if c.Config == "" {
		return nil, nil
	}
	settings, err := target.OpenSettings(c.Config)
	if err != nil {
		return nil, err
	}
	for _, kind := range settings.Kinds() {
		if slices.ContainsFunc(c.Target, func(text string) bool { return text == kind || strings.HasPrefix(text, kind+"?") }) {
			continue
		}
		spec, err := settings.Parse(kind)
		if err == nil {
			err = checkFlags(spec)
		}
		if err != nil {
			return nil, err
		}
	}
	return settings, nil
}

// checkFlags reads the flags of a broker that a target names, as the broker
// will, and checks them as it does before it opens anything: what it would refuse
// in the last of several targets is found before the first one is measured.
func checkFlags(spec target.Spec) error {
	if len(spec.Flags) == 0 {
		return nil
	}
	args, err := spec.Args(os.TempDir(), "2GiB")
	if err == nil {
		err = refusal(args)
	}
	if err != nil {
		return fmt.Errorf("target %s: %w", spec.Text, err)
	}
	return nil
}

// search is the limit to search at; nil for none.
func (c *benchCmd) search(w workloads.Workload) (*bench.Limit, error) {
	switch {
	case c.Search != "":
		return bench.ParseLimit(c.Search)
	case w.Searches():
		return bench.ParseLimit(bench.DefaultLimit)
	}
	return nil, nil
}

func (c *benchCmd) driver() (*driver.Driver, error) {
	if c.Driver == "" {
		if c.Ignore {
			return nil, errors.New("--ignore-unmapped goes with --driver")
		}
		return nil, nil
	}
	d, err := driver.Open(c.Driver)
	if err != nil {
		return nil, err
	}
	return d, d.Check(c.Ignore)
}

// checkWith finds what does not go together, before anything starts.
func checkWith(w workloads.Workload, d *driver.Driver) error {
	if d == nil {
		return nil
	}
	var err error
	if w.Searches() {
		if w, err = w.WithRate(1); err != nil { // whatever it will be
			return err
		}
	}
	l, err := w.Load()
	if err != nil {
		return err
	}
	l.Brokers, l.Topic = []string{"none"}, "none"
	if err := d.Apply(l).Check(); err != nil {
		return fmt.Errorf("workload %s with driver %s: %w", w.Name, d.Name, err)
	}
	return nil
}

func (c *benchCmd) list(std *stdio) error {
	if c.JSON {
		return json.NewEncoder(std.out).Encode(workloads.Names())
	}
	for _, name := range workloads.Names() {
		fmt.Fprintln(std.out, name)
	}
	return nil
}
