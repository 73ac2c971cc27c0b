package matrix

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tidelog/tide/results"
)

// Config of one run of a matrix.
type Config struct {
	// Binary is the tide that is started for each trial.
	Binary string
	// Out is the directory that gets matrix.json, env.json and trials.jsonl.
	Out string
	// Device is the file or raw block device that WALs are written to; what is
	// on it is lost. Default: files below Out, removed at the end.
	Device string
	// Progress is told of each round of repeats. Required.
	Progress interface {
		Step(name string, length time.Duration)
	}
	// Logger gets failed trials. Default: slog.Default().
	Logger *slog.Logger
	// Again runs INVALID trials once more, as failed ones are in any case.
	Again bool
	// Added is called after each trial's line was written. Optional; it must not
	// take long, for the next trial waits.
	Added func(ctx context.Context)
}

// done are the trials that need not run again: failed ones get another try.
func (cfg Config) done(run *results.MatrixRun) map[string]bool {
	done := map[string]bool{}
	for _, t := range run.Trials {
		if t.Error == "" || t.Invalid() && !cfg.Again {
			done[t.Key()] = true
		}
	}
	return done
}

// Run runs what is left of the plan and writes a line for each trial. A trial
// that fails is a line too, and no reason to stop. When ctx ends, the trial
// under way leaves no line, and Run returns ctx's error.
func (p Plan) Run(ctx context.Context, cfg Config) (err error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if p.complete(cfg) {
		return nil
	}
	for _, w := range p.Matrix.Workloads {
		if has(sims, w) && cfg.Device != "" {
			return fmt.Errorf("matrix %s: %s writes to no device: leave --device out", p.Matrix.Name, w)
		}
		if !has(benches, w) && cfg.Device != "" {
			return fmt.Errorf("matrix %s: %s runs a broker, whose files lie in the directory of the results: leave --device out, and set the axis wal in a matrix of your own", p.Matrix.Name, w)
		}
	}
	if err := os.MkdirAll(cfg.Out, 0o755); err != nil {
		return err
	}
	w, had, err := results.OpenMatrix(cfg.Out, p.Header(), results.ReadEnv(cfg.deviceDir()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if err := errors.Join(cfg.release(ctx), cfg.sweep(had)); err != nil {
		return err
	}
	if cfg.Device == "" {
		defer func() { err = errors.Join(err, os.RemoveAll(cfg.dataDir())) }()
		if err := os.MkdirAll(cfg.dataDir(), 0o755); err != nil {
			return err
		}
	}
	return p.runTrials(ctx, cfg, w, cfg.done(had))
}

// TakesDevice says that all of its workloads write to Config.Device.
func (p Plan) TakesDevice() bool {
	return !slices.ContainsFunc(p.Matrix.Workloads, func(w string) bool { return !has(benches, w) })
}

// complete says that there is nothing to add. Such a directory may have come
// from another machine, for nothing of this one will be mixed into it.
func (p Plan) complete(cfg Config) bool {
	run, err := results.LoadMatrix(cfg.Out)
	if err != nil || !run.Header.Same(p.Header()) {
		return false
	}
	done := cfg.done(run)
	return !slices.ContainsFunc(p.Trials, func(t Trial) bool { return !done[t.key()] })
}

// sweep removes what a matrix that was killed has left: the trial that ran then,
// with its broker's data, and the files under test. Whoever calls it holds the
// directory's lock, so that nobody's trial runs in it. Directories of trials
// that have no line are those that were cut short.
func (cfg Config) sweep(had *results.MatrixRun) error {
	kept := map[string]bool{}
	for _, t := range had.Trials {
		if id, ok := t.Result["trial"].(string); ok {
			kept[id] = true
		}
	}
	entries, err := os.ReadDir(cfg.trialsDir())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	errs := []error{os.RemoveAll(cfg.dataDir())}
	for _, e := range entries {
		if !kept[e.Name()] {
			errs = append(errs, os.RemoveAll(filepath.Join(cfg.trialsDir(), e.Name())))
		}
	}
	return errors.Join(errs...)
}

func (p Plan) runTrials(ctx context.Context, cfg Config, w *results.MatrixWriter, done map[string]bool) error {
	failed, invalid, round := 0, 0, 0
	for i, t := range p.Trials {
		if t.Repeat != round {
			round = t.Repeat
			cfg.Progress.Step(fmt.Sprintf("%s round %d of %d", p.Matrix.Name, round, p.Matrix.Repeats), p.roundLength(round, done))
		}
		if done[t.key()] {
			continue
		}
		r := runTrial(ctx, cfg, t)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch {
		case r.Invalid():
			invalid++
			cfg.Logger.Warn("a trial is INVALID", "trial", i+1, "of", len(p.Trials), "command", r.Command, "reason", r.Error)
		case r.Error != "":
			failed++
			cfg.Logger.Warn("a trial failed", "trial", i+1, "of", len(p.Trials), "command", r.Command, "error", r.Error)
		}
		if err := w.Append(r); err != nil {
			return err
		}
		if cfg.Added != nil {
			cfg.Added(ctx)
		}
	}
	if failed+invalid > 0 {
		cfg.Logger.Warn("trials failed or are INVALID; run the same command again to retry the failed ones", "failed", failed, "invalid", invalid, "of", len(p.Trials))
	}
	return nil
}

func (p Plan) roundLength(round int, done map[string]bool) time.Duration {
	var sum time.Duration
	for _, t := range p.Trials {
		if t.Repeat == round && !done[t.key()] {
			sum += t.Cell.Length
		}
	}
	return sum
}

// Header is what matrix.json says of the plan.
func (p Plan) Header() results.MatrixHeader {
	m := p.Matrix
	return results.MatrixHeader{
		Name: m.Name, Quick: m.quick, Seed: m.Seed, Cells: len(p.Cells), Trials: p.all,
		Metric: m.Metric, Plan: p.digest(), Started: time.Now().UTC().Truncate(time.Second),
	}
}

// digest of all cells, whatever their order: two matrices of the same name and
// size may differ in an axis.
func (p Plan) digest() string {
	var ids []string
	for _, c := range p.Cells {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	return digest([]byte(strings.Join(ids, " ")))
}

// dataDir is hidden, as what it holds is no result.
func (cfg Config) dataDir() string { return filepath.Join(cfg.Out, ".wal-under-test") }

// deviceDir is where results.ReadEnv looks for file system and device.
func (cfg Config) deviceDir() string {
	if cfg.Device != "" {
		return filepath.Dir(cfg.Device)
	}
	return cfg.Out
}

// trialsDir has a directory for each trial of tide bench.
func (cfg Config) trialsDir() string { return filepath.Join(cfg.Out, "trials") }

// file is what a cell writes to, or the directory of its trials. Each bench has
// a file of its own: raw blocks over a WAL's headers would make it look damaged.
func (cfg Config) file(c Cell) string {
	if !has(benches, c.Workload) && !has(sims, c.Workload) {
		return cfg.trialsDir()
	}
	if cfg.Device != "" {
		return cfg.Device
	}
	return filepath.Join(cfg.dataDir(), c.Workload)
}
