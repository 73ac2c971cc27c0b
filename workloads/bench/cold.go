package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/session"
	"github.com/tidelog/tide/workloads/target"
)

// Counters of the broker that say what reading out of objects cost.
const (
	recordsOfLogCache = `tide_stream_fetch_records_total{source="logcache"}`
	bytesOfObjects    = `tide_stream_fetch_bytes_total{source="object"}`
	indexBytes        = `tide_blockcache_index_loaded_bytes_total`
)

// coldFetches is the phase of single fetches by random offsets.
func (t *trial) coldFetches(ctx context.Context, ends []int64) error {
	const phase = "cold-fetches"
	if err := t.makeCold(ctx); err != nil {
		return err
	}
	length, w := t.coldFetchTime(), t.cfg.Workload
	t.cfg.Progress.Step(phase, length)
	t.session.Begin(phase, session.Unrated)
	fetches, err := t.load.StartFetches(ctx, w.ColdFetchRate, w.ColdFetchClients, length, ends)
	if err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, length+drainTimeout)
	defer cancel()
	if err := fetches.Wait(wait); err != nil {
		t.session.Fault("not every fetch was answered: "+err.Error(), "see broker.log")
	}
	t.session.End()
	c := &t.load.Counters
	if n := c.FetchBad.Load(); n > 0 {
		t.session.Fault(fmt.Sprintf("%d fetches did not bring their record: %v", n, fetches.Faults()), "this is a fault of the target")
	}
	t.fetchFigures(phase, fetches.Scheduled(), length)
	return nil
}

// fetchFigures quotes the phase. The percentiles are in fetch.response.hlog,
// and whoever reads the trial takes them from there.
func (t *trial) fetchFigures(phase string, scheduled int64, length time.Duration) {
	done := t.load.Counters.Fetched.Load()
	p, ok := t.phase(phase)
	if !ok || done == 0 {
		return
	}
	if rate := float64(scheduled) / length.Seconds(); p.PerSecond(done) < results.MinRate*rate-float64(t.cfg.Workload.ColdFetchClients)/p.Seconds() {
		t.session.Fault(fmt.Sprintf("%.1f fetches a second were answered, of %.1f that were due", p.PerSecond(done), rate),
			"the target does not reach this rate: lower coldFetchRate, or raise coldFetchClients")
	}
	t.session.Figure("cold fetch rate", p.PerSecond(done), "fetches/s")
	t.session.Figure("cold fetch GETs", float64(p.Gets)/float64(done), "GETs a fetch")
	t.session.Figure("cold fetch index bytes", float64(p.Counters[indexBytes])/float64(done), "bytes a fetch")
	t.readCost(phase)
}

// readCost quotes what a phase of reading got from the store, and checks that
// it read objects at all.
func (t *trial) readCost(phase string) {
	p, ok := t.phase(phase)
	if !ok || len(p.Counters) == 0 { // a target without counters
		return
	}
	objects, cached := p.Counters[session.RecordsFromObjects], p.Counters[recordsOfLogCache]
	if objects+cached == 0 { // a rival's plug-in does not count records
		t.tierCost(p)
		return
	}
	if share := float64(objects) / float64(max(1, objects+cached)); share < session.MinCold {
		t.session.Fault(fmt.Sprintf("only %.1f %% of the records of phase %s came from objects, want ≥ %.0f %%", 100*share, phase, 100*session.MinCold),
			"the log cache served the rest: it was not empty")
	}
	served := float64(p.Counters[bytesOfObjects])
	if served == 0 {
		return
	}
	t.session.Figure(phase+" over-read", float64(p.GetBytes)/served, "bytes got from the store a byte served")
	t.session.Figure(phase+" GETs per MiB", float64(p.Gets)/served*(1<<20), "GETs a MiB served")
	t.session.Figure(phase+" index bytes per MiB", float64(p.Counters[indexBytes])/served*(1<<20), "bytes a MiB served")
}

// tierCost quotes what a reading from a rival's remote tier cost.
func (t *trial) tierCost(p results.Phase) {
	if p.CaughtUpB == 0 || p.Gets == 0 {
		return
	}
	t.session.Figure(p.Name+" over-read", float64(p.GetBytes)/float64(p.CaughtUpB), "bytes got from the store a byte read")
	t.session.Figure(p.Name+" GETs per MiB", float64(p.Gets)/float64(p.CaughtUpB)*(1<<20), "GETs a MiB read")
}

// tierShare quotes how much of what is about to be read lies in a rival's
// remote tier: it does not count what it serves from there.
func (t *trial) tierShare(ctx context.Context, phase string, ends []int64) error {
	tiered, ok := t.target.(target.Tiered)
	if !ok {
		return nil
	}
	n, err := tiered.Committed(ctx, t.load.Config().Topic)
	if err != nil {
		return err
	}
	var all int64
	for _, end := range ends {
		all += end
	}
	share := float64(n) / float64(max(1, all))
	t.session.Figure(phase+" from objects", 100*share, "% of the records, by where they lay")
	if share < session.MinCold {
		t.session.Warn(fmt.Sprintf("%.1f %% of the records that phase %s reads are in objects: the rest is in the last segment of each partition, which is never tiered", 100*share, phase),
			"write more, or give the target a smaller segment=")
	}
	return nil
}

func (t *trial) phase(name string) (results.Phase, bool) {
	for _, p := range t.session.Phases() {
		if p.Name == name {
			return p, true
		}
	}
	return results.Phase{}, false
}
