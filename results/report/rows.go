package report

import (
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tidelog/tide/results"
)

// row is a trial's phase in one line, as every page and the terminal show it.
// All texts are made here, once: two places that quote a number must agree to
// its last digit.
type row struct {
	Phase               string
	P50, P99, P999, Max string // produce response, ms
	E2E99               string // ms
	Fetch99             string // ms
	In, Read            string // MiB/s
	CPU                 string // s per GiB
	RSS                 string // MiB, the trial's peak
	Less, Memory        string // MiB: RSS less arenas, memory.peak of the cgroup
	Amplification       string // bytes to WAL and store ÷ bytes acknowledged
	AmplificationParts  string // in words
}

// warmUp is the phase that only prepares.
const warmUp = "warm-up"

// none stands where a number has no meaning or was not measured.
const none = "–"

// Counters of tide that write amplification is made of. A target that does not
// have them has no number.
const (
	counterWAL     = "tide_wal_bytes_total"
	counterCompact = `tide_compact_bytes_total{direction="written"}`
)

// merger is results.Trial.Merged with a memory: a merge adds up half a megabyte
// for each second.
type merger func(s results.Series, phase string) *hdrhistogram.Histogram

func mergerOf(t *results.Trial) merger {
	type key struct {
		series results.Series
		phase  string
	}
	done := map[key]*hdrhistogram.Histogram{}
	return func(s results.Series, phase string) *hdrhistogram.Histogram {
		k := key{s, phase}
		if done[k] == nil {
			done[k] = t.Merged(s, phase)
		}
		return done[k]
	}
}

// rowsOf a trial, without phases that only prepare. One that has no other phase
// has a row all the same: it ran, and its verdict says what became of it.
func rowsOf(t *results.Trial, merged merger) []row {
	var out []row
	for _, p := range t.Run.Phases {
		if p.Name != warmUp {
			out = append(out, rowOf(t, p, merged))
		}
	}
	if len(out) == 0 {
		out = append(out, rowOf(t, results.Phase{Name: none}, merged))
	}
	return out
}

func rowOf(t *results.Trial, p results.Phase, merged merger) row {
	r := row{Phase: p.Name, In: rate(p, p.AckedBytes), Read: rate(p, p.ConsumedB+p.CaughtUpB), CPU: cpuPerGiB(p)}
	h := merged(results.ProduceResponse, p.Name)
	quote := func(at float64) string {
		if h.TotalCount() == 0 {
			return none
		}
		return Milliseconds(h.ValueAtPercentile(at))
	}
	r.P50, r.P99, r.P999, r.Max = quote(50), quote(99), quote(99.9), quote(100)
	h = merged(results.E2EResponse, p.Name)
	r.E2E99 = quote(99)
	h = merged(results.FetchResponse, p.Name)
	r.Fetch99 = quote(99)
	r.RSS, r.Less, r.Memory = wholeMiB(t, results.FigureRSS), wholeMiB(t, results.FigureRSSLess), wholeMiB(t, results.FigureMemory)
	r.Amplification, r.AmplificationParts = amplification(p)
	return r
}

// wholeMiB is a figure of the trial's memory.
func wholeMiB(t *results.Trial, name string) string {
	if f, ok := t.Run.Figures[name]; ok {
		return fmt.Sprintf("%.0f", f.Value)
	}
	return none
}

// cpuPerGiB is of what was acknowledged, or of what was read where nothing was
// written.
func cpuPerGiB(p results.Phase) string {
	n := p.AckedBytes
	if n == 0 {
		n = p.CaughtUpB
	}
	if p.CPU <= 0 || n == 0 {
		return none
	}
	return fmt.Sprintf("%.2f", p.CPU/(float64(n)/(1<<30)))
}

// amplification is what reached log and store for each byte acknowledged. What
// compaction wrote is among the store's.
func amplification(p results.Phase) (sum, parts string) {
	wal, ok := p.Counters[counterWAL]
	switch {
	case p.AckedBytes == 0:
		return none, "nothing was written"
	case !ok:
		return none, "the target has no counters for it"
	}
	share := func(bytes int64) float64 { return float64(bytes) / float64(p.AckedBytes) }
	compaction := p.Counters[counterCompact]
	return fmt.Sprintf("%.2f", share(wal+p.PutBytes)),
		fmt.Sprintf("WAL %.2f, objects %.2f, compaction %.2f", share(wal), share(p.PutBytes-compaction), share(compaction))
}

// headline is the phase whose numbers stand first: the one that a workload
// calls run, else the first that is meant to be quoted or judged by its rate,
// else the last that is there.
func headline(t *results.Trial) (results.Phase, bool) {
	if p, ok := t.Phase("run"); ok {
		return p, true
	}
	for _, p := range t.Run.Phases {
		if p.Window || p.RateChecked {
			return p, true
		}
	}
	n := len(t.Run.Phases)
	if n == 0 {
		return results.Phase{}, false
	}
	return t.Run.Phases[n-1], true
}
