package matrix

import (
	"slices"
	"strings"
	"time"

	"github.com/tidelog/tide/results"
)

// measuredPhase is the one that counts for produce and end to end, where a
// trial has it.
const measuredPhase = "run"

// flat is the trial as one row: every figure of run.json by its name, the
// percentiles of every series in µs, as fetch.response.p99, and what a GiB cost.
func flat(t *results.Trial) map[string]any {
	out := map[string]any{
		"verdict": t.Run.Verdict.Word, "durability": t.Run.Durability.Flush, "power_cut": t.Run.Durability.PowerCut,
		"simulated": strings.Join(t.Run.Simulated, ", "),
	}
	seconds := 0.0
	for _, p := range t.Run.Phases {
		seconds += p.Seconds()
		if p.Scheduled > 0 {
			out[p.Name+" acked ÷ due"] = float64(p.Acked) / float64(p.Scheduled)
		}
	}
	out["phases_s"] = seconds
	for name, f := range t.Run.Figures {
		out[name] = f.Value
	}
	measured := ""
	if p, ok := t.Phase(measuredPhase); ok {
		measured = p.Name
		perGiB(p, out)
	}
	for s := range results.SeriesCount {
		h := t.Merged(s, measured)
		for _, at := range []struct {
			name string
			at   float64
		}{{"p50", 50}, {"p99", 99}, {"p999", 99.9}} {
			if h.TotalCount() > 0 {
				out[s.String()+"."+at.name] = float64(h.ValueAtPercentile(at.at)) / float64(time.Microsecond)
			}
		}
	}
	return out
}

func number(v any) float64 { n, _ := v.(float64); return n }

// attempts is the counter of what S3 is paid for, by operation: in our own
// stores' words, and in the SDK's, which the rival's plug-in uses.
const attempts = `tide_objstore_attempts_total{op="`

// What S3 charges as a GET, and what it does not charge. All else is a PUT.
var (
	billedAsGet = []string{"get", "head", "GetObject", "HeadObject"}
	notBilled   = []string{"delete", "abort", "DeleteObject", "DeleteObjects", "AbortMultipartUpload"}
)

// perGiB is what the target did for each GiB that was acknowledged in a phase.
// A store that counts no attempts has its calls counted.
func perGiB(p results.Phase, out map[string]any) {
	written := float64(p.AckedBytes)
	if written == 0 {
		return
	}
	out["run.acked_mib_per_s"] = p.MiBPerSecond(p.AckedBytes)
	if len(p.Counters) == 0 && p.Puts+p.Gets == 0 {
		return // a target without counters
	}
	puts, gets, counted := 0.0, 0.0, false
	for key, n := range p.Counters {
		op, ok := strings.CutPrefix(key, attempts)
		if op = strings.TrimSuffix(op, `"}`); !ok || slices.Contains(notBilled, op) {
			continue
		}
		counted = true
		if slices.Contains(billedAsGet, op) {
			gets += float64(n)
		} else {
			puts += float64(n)
		}
	}
	if !counted {
		puts, gets = float64(p.Puts), float64(p.Gets)
	}
	const gib = 1 << 30
	out["run.puts_per_gib"], out["run.gets_per_gib"] = puts/written*gib, gets/written*gib
	if p.PutBytes > 0 { // both sides of it end with the same upload, wherever the phase does
		out["run.puts_per_gib_put"] = puts / float64(p.PutBytes) * gib
	}
	out["run.put_bytes_per_byte"], out["run.get_bytes_per_byte"] = float64(p.PutBytes)/written, float64(p.GetBytes)/written
	headers := p.Counters["tide_wal_header_writes_total"]
	out["run.wal_writes_per_gib"] = float64(p.Counters["tide_wal_writes_total"]+headers) / written * gib
	if units, ok := p.Counters["tide_wal_io_units_total"]; ok {
		out["run.wal_ios_per_gib"] = float64(units+headers) / written * gib
	}
	out["run.wal_bytes_per_byte"] = float64(p.Counters["tide_wal_bytes_total"]) / written
}
