package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/session"
)

// happening is one thing that a phase does to the target, used once.
//
//	begin ── wait, until it is over or its time is ── end
type happening interface {
	// kind is what can be asked of the load meanwhile.
	kind() session.Kind
	// able says, before any load, why it cannot be done to this target.
	able() error
	// begin makes it happen. name is that of the phase.
	begin(ctx context.Context, name string) error
	// wait returns when it is over by itself, or ctx ends: its time is over.
	wait(ctx context.Context) error
	// end undoes what is to be undone and quotes figures. The phase still runs.
	end(ctx context.Context) error
}

// happenings by the name that a workload calls them, one for each of
// workloads.Happenings.
var happenings = map[string]func(*trial, workloads.Phase) happening{}

// able reports every step that cannot be done to this target.
func able(steps []step) error {
	var errs []error
	for _, s := range steps {
		if s.what == nil {
			continue
		}
		if err := s.what.able(); err != nil {
			errs = append(errs, fmt.Errorf("phase %s: %w", s.name, err))
		}
	}
	return errors.Join(errs...)
}

// happen does one to the target.
func (t *trial) happen(ctx context.Context, s step, until time.Time) error {
	if err := s.what.begin(ctx, s.name); err != nil {
		return err
	}
	within, cancel := context.WithDeadline(ctx, until)
	err := s.what.wait(within)
	cancel()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return errors.Join(err, s.what.end(ctx))
}

// effects quotes what each happening did to the response time: its p99 over
// that of the steps in which nothing happened.
func (t *trial) effects(steps []step) {
	var calm []string
	for _, s := range steps {
		if s.calm {
			calm = append(calm, s.name)
		}
	}
	base := t.session.Response(calm...)
	for _, s := range steps {
		if _, warms := s.what.(*warming); s.what == nil || warms {
			continue
		}
		during := t.session.Response(s.name)
		if base.TotalCount() < results.MinQuotable || during.TotalCount() < results.MinQuotable {
			t.session.Warn(fmt.Sprintf("phase %s holds %d records, and the run beside it %d: want at least %d each for a p99",
				s.name, during.TotalCount(), base.TotalCount(), results.MinQuotable), "run longer, or at a higher rate")
			continue
		}
		p99 := func(h interface{ ValueAtPercentile(float64) int64 }) float64 { return float64(h.ValueAtPercentile(99)) }
		t.session.Figure(s.name+" p99", p99(during)/1e6, "ms")
		t.session.Figure(s.name+" p99 ÷ undisturbed", p99(during)/p99(base), "×")
		t.session.Figure("undisturbed p99", p99(base)/1e6, "ms")
	}
}

// happeningNames, sorted.
func happeningNames() []string { return slices.Sorted(maps.Keys(happenings)) }
