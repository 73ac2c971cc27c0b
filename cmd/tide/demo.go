package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/report"
	"github.com/tidelog/tide/workloads/demo"
)

func init() {
	register("demo", "Run the main job on this machine: produce and consume, catch up from objects, kill -9 and recover, verify every record.", &demoCmd{})
}

// demoCmd is `tide demo`.
type demoCmd struct {
	Out      string        `help:"Directory in which the trial's directory is made; the broker's data lies there too while the demo runs. Default ./tide-runs." default:"tide-runs" placeholder:"DIR"`
	Duration time.Duration `help:"Length of all phases together, 10s to 10m. Default 20s." default:"20s" placeholder:"DURATION"`
	WAL      string        `name:"wal" help:"WAL URL of the broker, such as uring: or pwrite:/dev/nvme1n1?durability=direct; an empty path is a file in the data directory. Default pwrite:, 512MiB, dsync." placeholder:"URL"`
	JSON     bool          `name:"json" help:"Print run.json on standard output instead of a table."`
}

// Run prints a table, the page's path and the verdict.
func (c *demoCmd) Run(ctx context.Context, std *stdio) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cfg := demo.Config{Binary: self, Out: c.Out, Duration: c.Duration, WAL: c.WAL}
	if err := cfg.Validate(); err != nil {
		return usageError{err}
	}
	bar := newProgress(std.err)
	cfg.Progress = bar
	trial, err := demo.Run(ctx, cfg)
	bar.close()
	if err != nil {
		return err
	}
	return printTrial(std, trial, c.JSON)
}

// printTrial ends every verb that made a trial.
func printTrial(std *stdio, t *results.Trial, asJSON bool) error {
	if asJSON {
		if err := json.NewEncoder(std.out).Encode(t.Run); err != nil {
			return err
		}
	} else {
		report.Table(std.out, t)
		fmt.Fprintf(std.out, "%-34s %s\n", "report", filepath.Join(t.Dir, "report.html"))
	}
	if t.Run.Verdict.Word == results.Invalid {
		return errInvalid
	}
	return nil
}
