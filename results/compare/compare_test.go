package compare_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/compare"
)

// one trial in tests: 100 records, all with one response time.
type one struct {
	workload, target string
	ms               float64
	closed, quick    bool
	lost             int64
	kernel           string
	config           map[string]string
	simulated        []string
	flush            string
}

var trials int

// put writes trials below dir.
func put(t *testing.T, dir string, list ...one) {
	t.Helper()
	for _, o := range list {
		trials++
		at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		w, err := results.Create(filepath.Join(dir, fmt.Sprintf("t-%03d", trials)), at, []string{"acked_per_s"})
		require.NoError(t, err)
		hs := results.NewHistograms()
		require.NoError(t, hs[results.ProduceResponse].RecordValues(int64(o.ms*1e6), 100))
		for i, phase := range []string{"warm-up", "run"} {
			from := at.Add(time.Duration(i) * time.Second)
			require.NoError(t, w.Interval(from, from.Add(time.Second), phase, hs))
			require.NoError(t, w.Row(results.Row{T: float64(i + 1), Phase: phase, Values: []float64{100}}))
		}
		p := results.Phase{Name: "run", Start: 1, End: 2, Acked: 100, Scheduled: 100, AckedBytes: 100 << 20, Closed: o.closed}
		warm := p
		warm.Name, warm.Start, warm.End = "warm-up", 0, 1
		run := &results.Run{
			Workload: o.workload, Target: o.target, Started: at, Quick: o.quick, Config: o.config, Simulated: o.simulated,
			Phases: []results.Phase{warm, p}, Durability: results.Durability{Acks: "all", Flush: o.flush, Replicas: 1},
			Figures:      map[string]results.Figure{"target peak RSS": {Value: 100 + o.ms, Unit: "MiB"}},
			Verification: results.Verification{Done: true, Expected: 100, Records: 100, Lost: o.lost},
		}
		require.NoError(t, w.Finish(run, &results.Env{Kernel: results.KernelInfo{Release: o.kernel}, CPU: results.CPU{Cores: 2}}))
	}
}

// five repeats about a time, 2 % apart.
func five(o one) []one {
	var out []one
	for i := range 5 {
		r := o
		r.ms = o.ms * (1 + 0.01*float64(i-2))
		out = append(out, r)
	}
	return out
}

func metric(t *testing.T, p compare.Pair, name string) compare.Metric {
	t.Helper()
	for _, m := range p.Metrics {
		if m.Name == name {
			return m
		}
	}
	require.Fail(t, "no metric", name)
	return compare.Metric{}
}

func TestTwoSettings(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	put(t, a, five(one{workload: "tail-2k", target: "tide?wal=uring:", ms: 1, config: map[string]string{"broker.wal": "uring:", "same": "x"}})...)
	put(t, b, five(one{workload: "tail-2k", target: "tide?wal=pwrite:", ms: 2, config: map[string]string{"broker.wal": "pwrite:", "same": "x"}})...)
	r, err := compare.Dirs(a, b, compare.Options{})
	require.NoError(t, err)
	require.Equal(t, results.Valid, r.Verdict)
	require.True(t, r.Quotable)
	require.Empty(t, r.Warnings)
	require.Len(t, r.Pairs, 1)
	require.Equal(t, []compare.Difference{{"broker.wal", "uring:", "pwrite:"}, {"target", "tide?wal=uring:", "tide?wal=pwrite:"}}, r.Pairs[0].Configuration)

	p99 := metric(t, r.Pairs[0], "produce_response_p99_us")
	require.Equal(t, 5, p99.RepeatsA)
	require.InDelta(t, 2, float64(p99.Ratio), 0.01)
	require.Less(t, float64(p99.Low), 2.0)
	require.Greater(t, float64(p99.High), 2.0)
	require.Less(t, float64(p99.P), 0.01)
	require.Less(t, float64(p99.Detectable), 0.1)
	require.Equal(t, "worse", p99.Word)
	require.Equal(t, "~", metric(t, r.Pairs[0], "acked_per_s").Word)
	require.Equal(t, "worse", metric(t, r.Pairs[0], "target_peak_rss_mib").Word, "a figure counts once a trial")
	require.Equal(t, 5, metric(t, r.Pairs[0], "target_peak_rss_mib").RepeatsA)
	for _, m := range r.Pairs[0].Metrics {
		require.NotEqual(t, "warm-up", m.Phase)
	}
}

func TestTargetsOfSeveralWorkloads(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	put(t, a, one{workload: "x", target: "kafka", ms: 1}, one{workload: "y", target: "kafka", ms: 2}, one{workload: "z", target: "kafka", ms: 2})
	put(t, b, one{workload: "y", target: "tide", ms: 3}, one{workload: "x", target: "tide", ms: 4})
	r, err := compare.Dirs(a, b, compare.Options{})
	require.NoError(t, err)
	require.Len(t, r.Pairs, 2)
	require.InDelta(t, 4, float64(metric(t, r.Pairs[0], "produce_response_p99_us").Ratio), 0.01)
	require.False(t, r.Quotable, "one repeat each")
	require.Contains(t, r.Warnings, "only in A, not compared: z on kafka: the other side has none of it")
	require.Equal(t, "?", metric(t, r.Pairs[0], "produce_response_p99_us").Word, "nothing is known of the noise")
}

func TestMixedFolderIsNamed(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	put(t, a, one{workload: "x", target: "tide", ms: 1, config: map[string]string{"k": "1"}}, one{workload: "x", target: "tide", ms: 1, config: map[string]string{"k": "2"}})
	put(t, b, one{workload: "x", target: "kafka", ms: 1})
	_, err := compare.Dirs(a, b, compare.Options{})
	require.ErrorContains(t, err, "there are several configurations of this workload")

	put(t, b, one{workload: "x", target: "tide", ms: 1, config: map[string]string{"k": "2"}})
	r, err := compare.Dirs(a, b, compare.Options{})
	require.NoError(t, err)
	require.Len(t, r.Pairs, 2, "the equal one; then the one that is left of this workload on both sides")
	require.Empty(t, r.Pairs[0].Configuration)
}

func TestInvalidIsNeverAveraged(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	put(t, a, append(five(one{workload: "x", target: "tide", ms: 1}), one{workload: "x", target: "tide", ms: 1000, lost: 1})...)
	put(t, b, five(one{workload: "x", target: "tide", ms: 1})...)
	r, err := compare.Dirs(a, b, compare.Options{})
	require.NoError(t, err)
	require.Equal(t, results.Invalid, r.Verdict)
	require.False(t, r.Quotable)
	require.Equal(t, 1, r.A.Invalid)
	require.Equal(t, 5, metric(t, r.Pairs[0], "produce_response_p99_us").RepeatsA)
	require.InDelta(t, 1000, float64(metric(t, r.Pairs[0], "produce_response_p99_us").A), 5)
	require.Contains(t, r.Warnings, "A: 1 INVALID trials of x on tide are left out: repeat them")
}

func TestQuickIsNotQuotable(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	put(t, a, five(one{workload: "x", target: "tide", ms: 1, quick: true})...)
	put(t, b, five(one{workload: "x", target: "tide", ms: 1, quick: true})...)
	r, err := compare.Dirs(a, b, compare.Options{})
	require.NoError(t, err)
	require.Equal(t, results.Quick, r.Verdict)
	require.False(t, r.Quotable)
}

func TestSimulatedSaysSo(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	put(t, a, one{workload: "x", target: "tide", ms: 1, simulated: []string{"wal: gp3"}})
	put(t, b, one{workload: "x", target: "tide", ms: 1})
	r, err := compare.Dirs(a, b, compare.Options{})
	require.NoError(t, err)
	require.Contains(t, r.Warnings, "A: simulated (wal: gp3): x on tide")
	require.Contains(t, r.Pairs[0].Configuration, compare.Difference{Key: "simulated", A: "wal: gp3", B: "–"})
}

func TestClosedLoopHasNoLatency(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	put(t, a, one{workload: "x", target: "tide", ms: 1, closed: true})
	put(t, b, one{workload: "x", target: "tide", ms: 2, closed: true})
	r, err := compare.Dirs(a, b, compare.Options{})
	require.NoError(t, err)
	require.False(t, metric(t, r.Pairs[0], "produce_response_p99_us").Main)
	require.True(t, metric(t, r.Pairs[0], "acked_mib_per_s").Main)
}

func TestEnvironments(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	put(t, a, one{workload: "x", target: "tide", ms: 1, kernel: "6.1", flush: "dsync"}, one{workload: "x", target: "tide", ms: 1, kernel: "6.2", flush: "dsync"})
	put(t, b, one{workload: "x", target: "kafka", ms: 1, kernel: "6.1", flush: "none"})
	_, err := compare.Dirs(a, b, compare.Options{})
	var refused *compare.Refused
	require.ErrorAs(t, err, &refused)
	require.Equal(t, []compare.Difference{{"kernel", "6.1 and 6.2", "6.1"}}, refused.Differences)
	require.ErrorContains(t, err, "--allow-env-diff")
	r, err := compare.Dirs(a, b, compare.Options{AllowEnvDiff: true})
	require.NoError(t, err)
	require.Contains(t, r.Warnings, "environment differs: kernel: 6.1 and 6.2 against 6.1")
	require.Contains(t, r.Warnings, "an acknowledgement does not mean the same on both sides: acks=all, flush=dsync, replicas=1 against acks=all, flush=none, replicas=1")
	require.False(t, r.Quotable)
}

// cells writes a matrix: base is the p99 of cell c1, and the A/A arm of it lies
// aa beside.
func cells(t *testing.T, dir string, base, aa float64) {
	w, _, err := results.OpenMatrix(dir, results.MatrixHeader{Name: "m", Metric: "p99_us"}, results.Env{})
	require.NoError(t, err)
	for repeat := 1; repeat <= 5; repeat++ {
		for i, cell := range []string{"c1", "c2"} {
			line := results.CellTrial{
				Cell: cell, Repeat: repeat, Workload: "wal-bench", Settings: map[string]string{"wal.path": cell},
				Result: map[string]any{"p99_us": base * (1 + 0.001*float64(repeat)) * float64(i+1), "off_us": 0.0, "appenders": 4.0},
			}
			require.NoError(t, w.Append(line))
			if cell == "c1" && aa != 0 {
				line.AA, line.Result = true, map[string]any{"p99_us": base * (1 + aa)}
				require.NoError(t, w.Append(line))
			}
		}
	}
	require.NoError(t, w.Close())
}

func TestMatrices(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	cells(t, a, 100, 0.3)
	cells(t, b, 120, 0)
	r, err := compare.Dirs(a, b, compare.Options{})
	require.NoError(t, err)
	require.Len(t, r.Pairs, 2)
	require.Equal(t, "c1 wal-bench wal.path=c1", r.Pairs[0].NameA)
	require.Len(t, r.Pairs[0].Metrics, 1, "what is off or a setting is no measure")
	c1, c2 := r.Pairs[0].Metrics[0], r.Pairs[1].Metrics[0]
	require.InDelta(t, 1.2, float64(c1.Ratio), 1e-9)
	require.Equal(t, 5, c1.RepeatsA, "the second arm is no repeat")
	require.Equal(t, "~", c1.Word, "below the A/A difference of this matrix")
	require.InDelta(t, 0.3, float64(c1.Detectable), 0.01)
	require.Equal(t, "~", c2.Word, "which counts for all of its cells")

	trial := t.TempDir()
	put(t, trial, one{workload: "x", target: "tide", ms: 1})
	_, err = compare.Dirs(a, trial, compare.Options{})
	require.ErrorIs(t, err, compare.ErrKinds)
}

func TestJSONHasNullForWhatDoesNotExist(t *testing.T) {
	b, err := json.Marshal(compare.Metric{P: 1, Ratio: compare.Number(math.NaN()), High: compare.Number(math.Inf(1))})
	require.NoError(t, err)
	require.Contains(t, string(b), `"ratio":null`)
	require.Contains(t, string(b), `"ratio_high":null`)
	require.Contains(t, string(b), `"p":1`)
}

// TestPrint is a transcript: go test -rewrite, and read the difference.
func TestPrint(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	put(t, a, five(one{workload: "tail-2k", target: "kafka", ms: 10, flush: "none", config: map[string]string{"load.linger": "0s"}})...)
	put(t, b, five(one{workload: "tail-2k", target: "tide", ms: 4, flush: "dsync", config: map[string]string{"load.linger": "0s"}})[:4]...)
	r, err := compare.Dirs(a, b, compare.Options{})
	require.NoError(t, err)
	r.A.Dir, r.B.Dir = "runs/kafka", "runs/tide"
	datadriven.RunTest(t, "testdata/print", func(t *testing.T, d *datadriven.TestData) string {
		var buf bytes.Buffer
		compare.Print(&buf, r)
		return buf.String()
	})
}
