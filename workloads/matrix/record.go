package matrix

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tidelog/tide/results"
)

// runTrial always returns a line.
func runTrial(ctx context.Context, cfg Config, t Trial) results.CellTrial {
	r := results.CellTrial{
		Cell: t.Cell.ID, Repeat: t.Repeat, AA: t.AA, Workload: t.Cell.Workload,
		Settings: t.Cell.Settings, Simulated: t.Cell.Simulated, Started: time.Now().UTC().Truncate(time.Millisecond),
	}
	file := cfg.file(t.Cell)
	o, err := measure(ctx, cfg, t, &r, file)
	clean := func(s string) string { return strings.ReplaceAll(s, file, placeholder) }
	for k, v := range o.result {
		if text, ok := v.(string); ok {
			o.result[k] = clean(text)
		}
	}
	r.Result, r.Verdict, r.Warnings = o.result, o.verdict, o.warnings
	switch {
	case errors.Is(err, errInvalid):
		r.Verdict = results.Invalid
		r.Error = clean(errInvalid.Error() + ": " + cmp.Or(o.reasons, strings.TrimPrefix(err.Error(), errInvalid.Error()+": ")))
	case err != nil:
		r.Error = clean(err.Error())
	}
	return r
}

// measure runs the command of a trial, and adds to the line what it cost.
func measure(ctx context.Context, cfg Config, t Trial, r *results.CellTrial, file string) (outcome, error) {
	c, err := commandOf(t.Cell.Workload)
	if err != nil {
		return outcome{}, err // a file that is gone since
	}
	// newCell has made the same command line before.
	shown, _ := c.args(t.Cell.Settings, placeholder)
	r.Command = "tide " + strings.Join(shown, " ")
	args, err := c.args(t.Cell.Settings, file)
	if err != nil {
		return outcome{}, err
	}
	if err := c.prepare(t.Cell.Settings, file); err != nil {
		return outcome{}, err
	}
	if cfg.Device != "" {
		args = append(args, "--overwrite")
	}
	args, store, err := ownStore(args, t.name(r.Started))
	if err == nil {
		err = cfg.claim(store)
	}
	if err != nil {
		return outcome{}, err
	}
	ticks, began := results.ReadCPUTicks(), time.Now()
	printed, errRun := runChild(ctx, cfg.Binary, args, childTimeout(t.Cell.Length))
	r.Seconds = time.Since(began).Seconds()
	r.Steal = results.ReadCPUTicks().StealPercent(ticks)
	errStore := cfg.release(ctx)
	if printed == nil {
		return outcome{}, errors.Join(errRun, errStore)
	}
	o, err := c.outcome(printed, file)
	if errStore != nil { // what was measured holds all the same
		o.warnings = append(o.warnings, errStore.Error())
	}
	if err != nil {
		return o, err
	}
	if phases := number(o.result["phases_s"]); phases > 0 {
		o.result["overhead_s"] = r.Seconds - phases // starting, draining, verifying, drawing, cleaning up
	}
	return o, errRun
}
