package session

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/target"
)

// Counters of the broker that a session knows by name.
const (
	metricPuts     = `tide_objstore_requests_total{op="put"}`
	metricGets     = `tide_objstore_requests_total{op="get"}`
	metricPutBytes = `tide_objstore_bytes_total{op="put"}`
	metricGetBytes = `tide_objstore_bytes_total{op="get"}`
	metricWALBytes = "tide_wal_bytes_total"
	metricWALUse   = "tide_wal_use_bytes"

	metricSimulated = "tide_simulated" // with labels model and part
)

// lives adds the counters of a target's lives up: one that is lower than
// before has started again at zero.
type lives struct {
	past    map[string]float64 // of lives that have ended
	present map[string]float64
}

func (l *lives) init() { l.past, l.present = map[string]float64{}, map[string]float64{} }

// isCounter follows Prometheus's convention of names.
func isCounter(key string) bool {
	name, _, _ := strings.Cut(key, "{")
	return strings.HasSuffix(name, "_total")
}

// add takes a reading. One counter that went back means a new life: then all
// of them are counted on, as one that stands at its old value by chance would
// be missed otherwise.
func (l *lives) add(m target.Metrics) {
	reborn := false
	for k, v := range m {
		reborn = reborn || isCounter(k) && v < l.present[k]
	}
	if reborn {
		for k, v := range l.present {
			if isCounter(k) {
				l.past[k] += v
			}
		}
	}
	l.present = m
}

// sums are the counters over all lives, and the gauges of the present one.
func (l *lives) sums() map[string]float64 {
	out := map[string]float64{}
	maps.Copy(out, l.present)
	for k, v := range l.past {
		out[k] += v
	}
	return out
}

// column of timeline.csv.
type column struct {
	name  string
	value func(a, b snapshot, taken load.Interval, seconds float64) float64
}

const mibOf = 1.0 / (1 << 20)

func perSecond(of func(snapshot) int64, unit float64) func(a, b snapshot, _ load.Interval, s float64) float64 {
	return func(a, b snapshot, _ load.Interval, s float64) float64 { return float64(of(b)-of(a)) * unit / s }
}

func percentile(s results.Series, at float64) func(a, b snapshot, taken load.Interval, _ float64) float64 {
	return func(_, _ snapshot, taken load.Interval, _ float64) float64 {
		return float64(taken.Hist[s].ValueAtPercentile(at)) / float64(time.Microsecond)
	}
}

func counter(key string, unit float64) func(a, b snapshot, _ load.Interval, s float64) float64 {
	return func(a, b snapshot, _ load.Interval, s float64) float64 {
		return (b.target[key] - a.target[key]) * unit / s
	}
}

// columns of timeline.csv, behind time and phase.
var columns = []column{
	{"acked_per_s", perSecond(func(s snapshot) int64 { return s.acked }, 1)},
	{"acked_mib_per_s", perSecond(func(s snapshot) int64 { return s.ackedB }, mibOf)},
	{"failed_per_s", perSecond(func(s snapshot) int64 { return s.failed }, 1)},
	{"consumed_per_s", perSecond(func(s snapshot) int64 { return s.consumed }, 1)},
	{"consumed_mib_per_s", perSecond(func(s snapshot) int64 { return s.consB }, mibOf)},
	{"caught_up_per_s", perSecond(func(s snapshot) int64 { return s.caught }, 1)},
	{"caught_up_mib_per_s", perSecond(func(s snapshot) int64 { return s.caughtB }, mibOf)},
	{"response_p50_us", percentile(results.ProduceResponse, 50)},
	{"response_p99_us", percentile(results.ProduceResponse, 99)},
	{"response_max_us", percentile(results.ProduceResponse, 100)},
	{"e2e_p99_us", percentile(results.E2EResponse, 99)},
	{"fetch_p99_us", percentile(results.FetchResponse, 99)},
	{"put_per_s", counter(metricPuts, 1)},
	{"get_per_s", counter(metricGets, 1)},
	{"put_mib_per_s", counter(metricPutBytes, mibOf)},
	{"get_mib_per_s", counter(metricGetBytes, mibOf)},
	{"wal_mib_per_s", counter(metricWALBytes, mibOf)},
	{"wal_use_mib", func(_, b snapshot, _ load.Interval, _ float64) float64 { return b.target[metricWALUse] * mibOf }},
	{"target_cpu_cores", func(a, b snapshot, _ load.Interval, s float64) float64 {
		return (b.usage.CPU - a.usage.CPU).Seconds() / s
	}},
	{"target_rss_mib", func(_, b snapshot, _ load.Interval, _ float64) float64 { return float64(b.usage.RSS) * mibOf }},
	{"generator_cpu_cores", func(a, b snapshot, _ load.Interval, s float64) float64 { return (b.ownCPU - a.ownCPU).Seconds() / s }},
	{"generator_error_p99_us", func(_, _ snapshot, taken load.Interval, _ float64) float64 { return ownP99Us(taken) }},
}

func columnNames() []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return names
}

func columnValues(a, b snapshot, taken load.Interval) []float64 {
	seconds := float64(b.at-a.at) / float64(time.Second)
	values := make([]float64, len(columns))
	for i, c := range columns {
		values[i] = c.value(a, b, taken, seconds)
	}
	return values
}

// totals fills the counters of the whole trial and the cost of the target.
func (s *Session) totals() {
	c := &s.cfg.Load.Counters
	s.run.Counters["load.sent"] = c.Sent.Load()
	s.run.Counters["load.acked"] = c.Acked.Load()
	s.run.Counters["load.acked_bytes"] = c.AckedB.Load()
	s.run.Counters["load.failed"] = c.Failed.Load()
	s.run.Counters["load.consumed"] = c.Consumed.Load()
	s.run.Counters["load.read_back"] = c.CaughtUp.Load()
	s.run.Counters["load.fetched"] = c.Fetched.Load()
	s.run.Counters["load.fetch_bad"] = c.FetchBad.Load()
	for k, v := range s.last.target {
		if isCounter(k) && strings.HasPrefix(k, "tide_") {
			s.run.Counters[k] = int64(v)
		}
	}
	s.run.Simulated = append(s.run.Simulated, simulated(s.last.target)...)
	u := s.last.usage
	if u.CPU == 0 {
		return
	}
	s.run.Figures["target CPU"] = results.Figure{Value: u.CPU.Seconds(), Unit: "s"}
	if b := c.AckedB.Load(); b > 0 {
		s.run.Figures["target CPU per GiB acknowledged"] = results.Figure{Value: u.CPU.Seconds() / (float64(b) / (1 << 30)), Unit: "s/GiB"}
	}
}

// simulated are the models that the target says it runs on, such as
// "store: s3-standard (…)". Every figure of the trial carries them.
func simulated(metrics map[string]float64) []string {
	var out []string
	for key := range metrics {
		rest, ok := strings.CutPrefix(key, metricSimulated+`{model=`)
		if !ok {
			continue
		}
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			continue // not a broker of ours
		}
		model, _ := strconv.Unquote(quoted) // it is quoted
		part := strings.Trim(strings.TrimPrefix(rest[len(quoted):], `,part=`), `"}`)
		out = append(out, part+": "+model)
	}
	slices.Sort(out)
	return out
}

// minUploads that a produce window must hold, for its percentiles to include
// what uploads do to it.
const minUploads = 3

// uploads quotes the windows by their uploads, and warns where these are too few.
// Objects put stand for uploads where no more is known.
func (s *Session) uploads() {
	const hint = "run longer, at a higher rate, or with a lower --upload-threshold"
	warn := func(format string, args ...any) {
		s.run.Warnings = append(s.run.Warnings, results.Finding{What: fmt.Sprintf(format, args...), Hint: hint})
	}
	name, uploads := "", int64(0)
	for _, p := range s.run.Phases {
		if p.Window {
			name, uploads = cmp.Or(name, p.Name), uploads+p.Puts
		}
	}
	if _, counted := s.last.target[metricPuts]; name == "" || !counted {
		return
	}
	if s.windows.length > 0 {
		all := s.windows.result()
		splitFigures(name, all, s.figure)
		up := all[0] // uploads are always there
		if uploads = up.Complete; uploads > 0 && !up.Quotable() {
			warn("phase %s holds %d records during uploads and %d between them, want at least %d each for a p99",
				name, up.During.Count, up.Between.Count, results.MinQuotable)
		}
	}
	if uploads < minUploads && !s.cfg.NoStore {
		warn("no upload: phase %s holds %d complete uploads, want at least %d", name, uploads, minUploads)
	}
}

func (s *Session) warnings() {
	s.uploads()
	if n := s.cfg.Load.Counters.Failed.Load(); n > 0 {
		s.run.Warnings = append(s.run.Warnings, results.Finding{
			What: fmt.Sprintf("%d sends had no answer, and no percentile holds them", n), Hint: "the highest percentiles are better than they were: see the target's log",
		})
	}
	if s.env.Filesystem == "tmpfs" || s.env.Filesystem == "ramfs" {
		s.run.Durability.PowerCut = "a power cut loses everything: the data lies in memory"
		s.run.Warnings = append(s.run.Warnings, results.Finding{
			What: "the target's data lies on " + s.env.Filesystem + ", which is memory: no disk was measured",
			Hint: "give --out a directory on ext4 or xfs",
		})
	}
	if d := time.Duration(s.run.Clock.DriftNs).Abs(); d > 10*time.Millisecond {
		s.run.Warnings = append(s.run.Warnings, results.Finding{
			What: fmt.Sprintf("the wall clock moved by %v against the monotonic clock", d),
			Hint: "end-to-end times within this process are not affected",
		})
	}
	if s.env.Steal > 1 {
		s.run.Warnings = append(s.run.Warnings, results.Finding{
			What: fmt.Sprintf("the hypervisor took %.1f %% of the CPU time", s.env.Steal), Hint: "repeat on a quieter machine",
		})
	}
}
