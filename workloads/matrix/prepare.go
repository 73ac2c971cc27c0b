package matrix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/results/cost"
	"github.com/tidelog/tide/workloads/target"
)

// Machine is where a matrix is to run.
type Machine struct {
	// Out is the directory of the results, which needs not be there yet.
	Out string
	// Reach says why a target could not be started or reached here; nil for
	// none. It is called for each target, for several at the same time.
	Reach func(ctx context.Context, s target.Spec) error
	// Flags says what is wrong with flags of tide's broker; nil: they are not
	// looked at. The WAL and the store may lack a path, which the broker's own
	// place is put into.
	Flags func(flags map[string]string) error
	// Free is how many bytes a directory's file system has left; 0: not known.
	// Default: what the kernel says.
	Free func(dir string) int64
}

// Prepare reads a matrix and works it out, as Parse and Plan do, and looks at
// the machine besides. Every reason why it cannot run here is in the error.
func Prepare(ctx context.Context, content []byte, quick bool, on Machine) (Plan, error) {
	m, faults, err := read(content, quick)
	if err != nil {
		return Plan{}, fmt.Errorf("%s: %w", m.title(), err)
	}
	p, more := m.plan()
	faults = append(append(faults, more...), on.faults(ctx, p)...)
	if err := joinDistinct(faults); err != nil {
		return Plan{}, fmt.Errorf("%s cannot run:\n%w", m.title(), err)
	}
	return p, nil
}

func (on Machine) faults(ctx context.Context, p Plan) []error {
	faults := append(on.unreachable(ctx, p.Matrix.Targets), on.refused(p)...)
	free := on.Free
	if free == nil {
		free = freeBytes
	}
	dir := existing(on.Out)
	if has, need := free(dir), p.Disk(); has > 0 && need > has {
		faults = append(faults, fmt.Errorf("%s has %.1f GiB free, and a trial takes up to %.1f GiB: free some, or give another directory with --out",
			dir, float64(has)/(1<<30), float64(need)/(1<<30)))
	}
	return faults
}

// refused are the settings that no broker would start with. Cells that cannot
// run for another reason are looked at too, or one fault would hide the next.
func (on Machine) refused(p Plan) []error {
	if on.Flags == nil {
		return nil
	}
	var faults []error
	for _, c := range slices.Concat(p.Cells, withoutFaults(p.faulty)) {
		text := cmp.Or(c.Settings[axisTarget], tideTarget)
		if has(benches, c.Workload) || has(sims, c.Workload) || !isTide(text) {
			continue
		}
		flags := maps.Clone(flagsOf(c.Settings))
		wal, err := iopath.FillURL(flags["wal"], on.Out, "")
		if err == nil {
			flags["wal"] = wal
			if flags["store"] != "" {
				flags["store"] = strings.Replace(flags["store"], "dir:?", "dir:"+on.Out+"?", 1)
			}
			err = on.Flags(flags)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("target %s: %w", text, err))
		}
	}
	return faults
}

// withoutFaults leaves out the settings of the log where these have been found to
// be at fault.
func withoutFaults(faulty []Cell) []Cell {
	var out []Cell
	for _, c := range faulty {
		if _, err := targetOf(c.Settings); err != nil {
			c.Settings = maps.Clone(c.Settings)
			maps.DeleteFunc(c.Settings, func(axis, _ string) bool { return axis == "wal" || strings.HasPrefix(axis, "wal.") })
		}
		if _, err := targetOf(c.Settings); err == nil {
			out = append(out, c)
		}
	}
	return out
}

// unreachable asks for all targets at the same time.
func (on Machine) unreachable(ctx context.Context, targets []string) []error {
	if on.Reach == nil {
		return nil
	}
	faults := make([]error, len(targets))
	var wg sync.WaitGroup
	for i, text := range targets {
		spec, err := target.ParseSpec(text)
		if err != nil {
			continue // sound has reported it
		}
		wg.Go(func() {
			err := on.Reach(ctx, spec)
			if err != nil && !strings.HasPrefix(err.Error(), "target ") { // some name it themselves
				err = fmt.Errorf("target %s: %w", text, err)
			}
			faults[i] = err
		})
	}
	wg.Wait()
	return faults
}

// existing is the directory itself or the nearest above that is there.
func existing(dir string) string {
	for {
		_, err := os.Stat(dir)
		if up := filepath.Dir(dir); err != nil && errors.Is(err, os.ErrNotExist) && up != dir {
			dir = up
			continue
		}
		return dir
	}
}

// Disk is what the largest trial takes, in bytes, and what all of them leave.
func (p Plan) Disk() int64 {
	const leaves = 2 << 20 // of a trial of tide bench: histograms, figures, report
	var largest, left int64
	for _, c := range p.Cells {
		largest = max(largest, c.needs.disk)
	}
	for _, t := range p.Trials {
		if !has(benches, t.Cell.Workload) && !has(sims, t.Cell.Workload) {
			left += leaves
		}
	}
	return largest + left
}

// Price is what a plan costs beyond the machine that it runs on.
type Price struct {
	USD      float64
	Requests cost.Requests
	Paid     []string // stores that are paid for; none: everything is local
	Unknown  []string // targets of which nothing is known
}

// Price of the trials that are not done in out, by a class of a price book. What
// they write is deleted at their end, so that nothing is kept for long.
func (p Plan) Price(done map[string]bool, s cost.Store) Price {
	var out Price
	for _, t := range p.Trials {
		n := t.Cell.needs
		if n.unknown != "" && !slices.Contains(out.Unknown, n.unknown) {
			out.Unknown = append(out.Unknown, n.unknown)
		}
		if n.paid == "" || done[t.key()] {
			continue
		}
		if !slices.Contains(out.Paid, n.paid) {
			out.Paid = append(out.Paid, n.paid)
		}
		out.Requests = out.Requests.Plus(n.requests)
		out.USD += s.Kept(n.requests.PutBytes, t.Cell.Length.Hours())
	}
	out.USD += out.Requests.USD(s)
	return out
}
