package matrix

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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
}

// Progress of a plan in a directory.
type Progress struct {
	Done, Left int
	Estimate   time.Duration // of those left
}

// Status looks at a directory without changing it; one that is not there yet
// has nothing done.
func (p Plan) Status(out string) Progress {
	done := map[string]bool{}
	if run, err := results.LoadMatrix(out); err == nil {
		done = good(run)
	}
	s := Progress{Estimate: p.Estimate(done)}
	for _, t := range p.Trials {
		if done[t.key()] {
			s.Done++
		} else {
			s.Left++
		}
	}
	return s
}

// good are the trials that need not run again: failed ones get another try.
func good(run *results.MatrixRun) map[string]bool {
	done := map[string]bool{}
	for _, t := range run.Trials {
		if t.Error == "" {
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
	if p.complete(cfg.Out) {
		return nil
	}
	for _, w := range p.Matrix.Workloads {
		if _, isBench := benches[w]; !isBench && cfg.Device != "" {
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
	if cfg.Device == "" {
		defer func() { err = errors.Join(err, os.RemoveAll(cfg.dataDir())) }()
		if err := os.MkdirAll(cfg.dataDir(), 0o755); err != nil {
			return err
		}
	}
	return p.runTrials(ctx, cfg, w, good(had))
}

// complete says that there is nothing to add. Such a directory may have come
// from another machine, for nothing of this one will be mixed into it.
func (p Plan) complete(out string) bool {
	run, err := results.LoadMatrix(out)
	return err == nil && run.Header.Same(p.Header()) && p.Status(out).Left == 0
}

func (p Plan) runTrials(ctx context.Context, cfg Config, w *results.MatrixWriter, done map[string]bool) error {
	failed, round := 0, 0
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
		if r.Error != "" {
			failed++
			cfg.Logger.Warn("a trial failed", "trial", i+1, "of", len(p.Trials), "command", r.Command, "error", r.Error)
		}
		if err := w.Append(r); err != nil {
			return err
		}
	}
	if failed > 0 {
		cfg.Logger.Warn("trials failed; run the same command again to retry them", "failed", failed, "of", len(p.Trials))
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
		Name: m.Name, Quick: m.quick, Seed: m.Seed, Cells: len(p.Cells), Trials: len(p.Trials),
		Metric: m.Metric, Started: time.Now().UTC().Truncate(time.Second),
	}
}

// runTrial always returns a line.
func runTrial(ctx context.Context, cfg Config, t Trial) results.CellTrial {
	b, _ := commandOf(t.Cell.Workload) // newCell has found it before
	r := results.CellTrial{
		Cell: t.Cell.ID, Repeat: t.Repeat, AA: t.AA, Workload: t.Cell.Workload,
		Settings: t.Cell.Settings, Simulated: t.Cell.Simulated, Started: time.Now().UTC().Truncate(time.Millisecond),
	}
	// newCell has made the same command line before.
	shown, _ := b.args(t.Cell.Settings, placeholder)
	file := cfg.file(t.Cell)
	args, _ := b.args(t.Cell.Settings, file)
	if cfg.Device != "" {
		args = append(args, "--overwrite")
	}
	r.Command = "tide " + strings.Join(shown, " ")
	ticks, began := results.ReadCPUTicks(), time.Now()
	result, err := runChild(ctx, cfg.Binary, args, childTimeout(t.Cell.Length))
	r.Seconds = time.Since(began).Seconds()
	r.Steal = results.ReadCPUTicks().StealPercent(ticks)
	if result != nil {
		var errResult error
		result, errResult = b.result(result, file)
		err = errors.Join(err, errResult)
	}
	for k, v := range result {
		if text, ok := v.(string); ok {
			result[k] = strings.ReplaceAll(text, file, placeholder)
		}
	}
	r.Result = result
	if err != nil {
		r.Error = strings.ReplaceAll(err.Error(), file, placeholder)
	}
	return r
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

// file is what a cell writes to, or the directory of its trials. Each workload has one of its own: raw blocks
// over a WAL's headers would make it look damaged.
func (cfg Config) file(c Cell) string {
	if _, isBench := benches[c.Workload]; !isBench {
		return filepath.Join(cfg.Out, "trials")
	}
	if cfg.Device != "" {
		return cfg.Device
	}
	return filepath.Join(cfg.dataDir(), c.Workload)
}
