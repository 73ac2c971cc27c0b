package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/report"
)

// How a search is bounded; the quick one is rougher.
const (
	precision      = 0.05
	quickPrecision = 0.15
	maxProbes      = 16
	quickProbes    = 9
)

// search is one search while it goes on.
//
//	<out>/search-…/<trial of each probe>   while it goes on
//	<out>/<the best>/                      in the end: the trial of the highest rate
//	                 probes/<the others>   that held, with the search in its run.json
type search struct {
	cfg    Config
	probe  func(context.Context, Config) (*results.Trial, error)
	dir    string
	bounds bisection
	most   int // probes
	found  results.Search
	best   *results.Trial // the highest rate that held, or else the lowest
}

// newSearch begins with the workload's own rate.
func newSearch(cfg Config) *search {
	s := &search{cfg: cfg, probe: one, most: maxProbes}
	s.bounds = bisection{first: firstRate(cfg.Workload), precision: precision}
	if cfg.Quick {
		s.most, s.bounds.precision = quickProbes, quickPrecision
	}
	s.found = results.Search{
		Limit: cfg.Search.Text, Percentile: cfg.Search.Percentile, LimitNs: int64(cfg.Search.Most),
		Precision: s.bounds.precision, Probes: []results.Probe{},
	}
	s.dir = filepath.Join(cfg.Out, "search-"+id(cfg, time.Now()))
	return s
}

// run probes until the rate is found, or there were enough of it.
func (s *search) run(ctx context.Context) (*results.Trial, error) {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, err
	}
	for len(s.found.Probes) < s.most {
		rate, ok := s.bounds.next()
		if !ok {
			break
		}
		if err := s.try(ctx, rate); err != nil {
			_ = os.Remove(s.dir) // fails when there are probes in it, which stay
			return nil, err
		}
	}
	s.found.Highest, s.found.NotHeld = s.bounds.held, s.bounds.failed
	return s.close()
}

// try one rate.
func (s *search) try(ctx context.Context, rate int64) error {
	cfg := s.cfg
	var err error
	if cfg.Workload, err = cfg.Workload.WithRate(rate); err != nil {
		return err
	}
	cfg.Out, cfg.Search, cfg.probe = s.dir, nil, true
	cfg.Progress = during{fmt.Sprintf("probe %d of at most %d, %d/s: ", len(s.found.Probes)+1, s.most, rate), cfg.Progress}
	trial, err := s.probe(ctx, cfg)
	p := results.Probe{Rate: rate}
	switch {
	case err == nil:
		s.judge(&p, trial)
	case ctx.Err() != nil || s.best == nil: // nothing has ever worked
		return err
	default: // such as a target that ended under the load
		p.Reasons = []string{err.Error()}
	}
	if !p.Void {
		s.bounds.tell(rate, p.Held)
	}
	s.found.Probes = append(s.found.Probes, p)
	return nil
}

// judge a probe's trial, and keep it when it is the best.
func (s *search) judge(p *results.Probe, t *results.Trial) {
	h := t.Merged(results.ProduceResponse, "run")
	p.ValueNs, p.Verdict, p.Trial = h.ValueAtPercentile(s.found.Percentile), t.Run.Verdict.Word, filepath.Base(t.Dir)
	for _, r := range t.Run.Verdict.Reasons {
		p.Reasons = append(p.Reasons, r.What)
	}
	if h.TotalCount() < results.MinQuotable {
		p.Reasons = append(p.Reasons, fmt.Sprintf("%d records in the run are too few, want at least %d", h.TotalCount(), results.MinQuotable))
	}
	if p.ValueNs > s.found.LimitNs {
		p.Reasons = append(p.Reasons, fmt.Sprintf("%v at the percentile of %s", time.Duration(p.ValueNs), s.found.Limit))
	}
	p.Held = p.Verdict != results.Invalid && len(p.Reasons) == 0
	p.Void = t.Run.Spoiled() && !s.voided(p.Rate)
	switch {
	case s.best == nil, p.Held && p.Rate > s.bounds.held, !p.Held && s.bounds.held == 0 && p.Rate < s.bounds.failed:
		s.best = t
	}
}

// voided says whether a rate was tried in vain before. Once is enough: a machine
// on which the generator is always late does not show that a rate holds.
func (s *search) voided(rate int64) bool {
	return slices.ContainsFunc(s.found.Probes, func(p results.Probe) bool { return p.Void && p.Rate == rate })
}

// close makes the best trial the search's own.
func (s *search) close() (*results.Trial, error) {
	t := s.best
	name := filepath.Base(t.Dir)
	dir := filepath.Join(s.cfg.Out, name)
	if err := os.Rename(t.Dir, dir); err != nil {
		return nil, err
	}
	if err := os.Rename(s.dir, filepath.Join(dir, "probes")); err != nil {
		return nil, err
	}
	t.Dir = dir
	for i := range s.found.Probes {
		p := &s.found.Probes[i]
		switch p.Trial {
		case "":
		case name:
			p.Trial = "."
		default:
			p.Trial = filepath.Join("probes", p.Trial)
		}
	}
	s.conclude(&t.Run)
	if err := t.Rewrite(); err != nil {
		return nil, err
	}
	_, err := report.Write(t)
	return t, err
}

// conclude puts the search into run.json.
func (s *search) conclude(run *results.Run) {
	run.Search, run.Command = &s.found, command(s.cfg)
	if s.found.Highest > 0 { // 0 would look like a rate
		run.Figures["highest rate"] = results.Figure{Value: float64(s.found.Highest), Unit: "records/s that hold " + s.found.Limit}
	}
	if s.found.NotHeld > 0 && !s.noneValid() {
		run.Figures["lowest rate that does not hold"] = results.Figure{Value: float64(s.found.NotHeld), Unit: "records/s"}
	}
	last := s.found.Probes[len(s.found.Probes)-1]
	switch {
	case s.noneValid():
		run.Faults = append(run.Faults, results.Finding{
			What: fmt.Sprintf("the search has no result: of %d probes none was valid; the last, at %d/s: %s", len(s.found.Probes), last.Rate, last.Why()),
			Hint: "where the reason is the generator or the machine, nothing is said of the target: mend that first",
		})
	case s.found.Highest == 0:
		run.Faults = append(run.Faults, results.Finding{
			What: fmt.Sprintf("no rate was found that holds %s: the lowest tried was %d/s", s.found.Limit, s.found.NotHeld),
			Hint: "set a higher limit, or a lower producerRate to begin with",
		})
	case !s.found.Within():
		run.Warnings = append(run.Warnings, results.Finding{
			What: fmt.Sprintf("the highest rate is not known to %.0f %%: %d probes were not enough", 100*s.found.Precision, len(s.found.Probes)),
			Hint: fmt.Sprintf("set producerRate to %d, where the next search begins", s.found.Highest),
		})
	}
}

// noneValid: what was measured was never the target.
func (s *search) noneValid() bool {
	return !slices.ContainsFunc(s.found.Probes, func(p results.Probe) bool { return p.Verdict != results.Invalid || p.Trial == "" })
}

// during names steps by the probe.
type during struct {
	probe string
	to    Progress
}

func (d during) Step(name string, length time.Duration) { d.to.Step(d.probe+name, length) }
