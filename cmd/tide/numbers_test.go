package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/compare"
	"github.com/tidelog/tide/results/omb"
	"github.com/tidelog/tide/results/report"
)

// recorded is a copy of a trial that was measured, so that it may be written to.
func recorded(t *testing.T, name string) string {
	dir := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "results", "published", "second", name))))
	return dir
}

// told is what each form says of one trial.
type told struct {
	trial *results.Trial
	table map[string][]string // title and first cells of a line → its cells
	page  string
	csv   map[string]map[string]string // phase → column → value
	omb   omb.Result
	bench map[string]*benchfmt.Result // phase → line
	cmp   *compare.Report             // with itself
}

func tell(t *testing.T, dir string) told {
	var s told
	var err error
	s.trial, err = results.Load(dir)
	require.NoError(t, err)
	code, out, _ := invoke("report", dir)
	require.Equal(t, exitDone, code)
	page, err := os.ReadFile(strings.TrimSpace(out))
	require.NoError(t, err)
	s.page = string(page)
	b, err := os.ReadFile(filepath.Join(dir, omb.FileName))
	require.NoError(t, err)
	// The maps of quantiles are read by their own test.
	require.NoError(t, json.Unmarshal(withoutQuantiles(t, b), &s.omb))
	s.table = tableOf(t, dir)
	s.csv = csvOf(t, dir)
	s.bench = benchOf(t, dir)
	s.cmp, err = compare.Dirs(dir, dir, compare.Options{})
	require.NoError(t, err)
	return s
}

func withoutQuantiles(t *testing.T, b []byte) []byte {
	var all map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(b, &all))
	for k := range all {
		if strings.HasSuffix(k, "Quantiles") {
			delete(all, k)
		}
	}
	out, err := json.Marshal(all)
	require.NoError(t, err)
	return out
}

// tableOf maps "title phase name" or "title phase" to the cells of the line.
func tableOf(t *testing.T, dir string) map[string][]string {
	code, out, _ := invoke("report", dir, "--format", "table")
	require.Equal(t, exitDone, code)
	lines, title := map[string][]string{}, ""
	for _, line := range strings.Split(out, "\n") {
		var cells []string
		for _, c := range strings.Split(strings.Trim(line, "│"), "│") {
			cells = append(cells, strings.TrimSpace(c))
		}
		switch {
		case len(cells) == 1:
			if cells[0] == "latency" || cells[0] == "rates" {
				title = cells[0]
			}
		case title == "latency":
			lines[title+" "+cells[0]+" "+cells[1]] = cells
		default:
			lines[title+" "+cells[0]] = cells
		}
	}
	return lines
}

func csvOf(t *testing.T, dir string) map[string]map[string]string {
	code, out, _ := invoke("report", dir, "--format", "csv")
	require.Equal(t, exitDone, code)
	all, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	require.NoError(t, err)
	byPhase := map[string]map[string]string{}
	for _, line := range all[1:] {
		m := map[string]string{}
		for i, v := range line {
			m[all[0][i]] = v
		}
		byPhase[m["phase"]] = m
	}
	return byPhase
}

func benchOf(t *testing.T, dir string) map[string]*benchfmt.Result {
	code, out, _ := invoke("report", dir, "--format", "benchfmt")
	require.Equal(t, exitDone, code)
	in := benchfmt.NewReader(bytes.NewBufferString(out), dir)
	byPhase := map[string]*benchfmt.Result{}
	for in.Scan() {
		if r, ok := in.Result().(*benchfmt.Result); ok {
			_, phase, _ := strings.Cut(string(r.Name), "/phase=")
			byPhase[phase] = r.Clone()
		}
	}
	return byPhase
}

func float(t *testing.T, s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return v
}

// TestNumbersAgree: run.json, the hlog files, omb.json and every form of the
// report say the same of a recorded trial, to the last digit that each shows.
func TestNumbersAgree(t *testing.T) {
	for _, name := range []string{"tail-2k", "catchup-2gib-1"} {
		t.Run(name, func(t *testing.T) {
			s := tell(t, recorded(t, name))
			for _, p := range s.trial.Run.Phases {
				if p.Name != "warm-up" {
					s.latencies(t, p)
				}
				s.rates(t, p)
			}
			s.ombAgrees(t)
		})
	}
}

// latencies against the hlog files.
func (s told) latencies(t *testing.T, p results.Phase) {
	for series, shown := range map[results.Series]string{results.ProduceResponse: "response", results.E2EResponse: "end to end"} {
		h := s.trial.Merged(series, p.Name)
		if h.TotalCount() == 0 {
			require.NotContains(t, s.table, "latency "+p.Name+" "+shown)
			continue
		}
		cells := s.table["latency "+p.Name+" "+shown]
		require.Equal(t, fmt.Sprint(h.TotalCount()), cells[2])
		stem := strings.ReplaceAll(series.String(), ".", "_")
		require.Equal(t, fmt.Sprint(h.TotalCount()), s.csv[p.Name][stem+"_count"])
		for i, q := range []struct {
			name, bench string
			at          float64
		}{{"p50", "p50", 50}, {"p90", "p90", 90}, {"p99", "p99", 99}, {"p999", "p99.9", 99.9}, {"max", "max", 100}} {
			ns := h.ValueAtPercentile(q.at)
			require.Equal(t, report.Milliseconds(ns), cells[3+i], "%s %s", p.Name, q.name)
			require.Contains(t, s.page, report.Milliseconds(ns))
			us := float(t, s.csv[p.Name][stem+"_"+q.name+"_us"])
			require.Equal(t, float64(ns)/1000, us, "µs with the digits of ns")
			require.Equal(t, us, s.compared(t, p.Name, stem+"_"+q.name+"_us"))
			if series == results.ProduceResponse && !p.Closed && q.bench != "p90" {
				sec, ok := s.bench[p.Name].Value(q.bench + "-sec")
				require.True(t, ok)
				require.InEpsilon(t, float64(ns)/1e9, sec, 1e-12)
			}
		}
	}
}

// compared is what a comparison of the trial with itself says.
func (s told) compared(t *testing.T, phase, name string) float64 {
	for _, m := range s.cmp.Pairs[0].Metrics {
		if m.Phase == phase && m.Name == name {
			require.Equal(t, m.A, m.B)
			require.EqualValues(t, 1, m.Ratio)
			require.Equal(t, "~", m.Word)
			return float64(m.A)
		}
	}
	require.Fail(t, "not compared", "%s %s", phase, name)
	return 0
}

// rates against run.json.
func (s told) rates(t *testing.T, p results.Phase) {
	cells := s.table["rates "+p.Name]
	require.Equal(t, fmt.Sprintf("%.1f", p.Seconds()), cells[1])
	require.Equal(t, fmt.Sprintf("%.0f", p.PerSecond(p.Acked)), cells[3])
	require.Equal(t, fmt.Sprint(p.Puts), cells[8])
	require.Equal(t, fmt.Sprint(p.Acked), s.csv[p.Name]["acked"])
	require.Equal(t, fmt.Sprint(p.GetBytes), s.csv[p.Name]["get_bytes"])
	if p.Acked > 0 {
		require.Equal(t, p.PerSecond(p.Acked), float(t, s.csv[p.Name]["acked_per_s"]))
		require.Equal(t, fmt.Sprintf("%.1f", float(t, s.csv[p.Name]["acked_mib_per_s"])), cells[5])
		require.Contains(t, s.page, cells[5])
	}
}

// ombAgrees with the logs, and its windows with run.json.
func (s told) ombAgrees(t *testing.T) {
	sum := results.NewHistogram()
	var acked int64
	var seconds float64
	for _, p := range s.trial.Run.Phases {
		if p.Name != "warm-up" {
			sum.Merge(s.trial.Merged(results.ProduceService, p.Name))
			acked, seconds = acked+p.Acked, seconds+p.Seconds()
		}
	}
	require.Equal(t, float64(sum.ValueAtPercentile(99))/1e6, s.omb.AggregatedPublishLatency99pct)
	require.Equal(t, float64(sum.Max())/1e6, s.omb.AggregatedPublishLatencyMax)
	require.Equal(t, s.trial.Run.Config["load.value_bytes"], fmt.Sprint(s.omb.MessageSize))
	if run, ok := s.csv["run"]; ok { // the only measured phase, in whole windows
		require.InEpsilon(t, float(t, run["produce_service_p99_us"])/1000, s.omb.AggregatedPublishLatency99pct, 1e-12)
		mean := 0.0
		for _, r := range s.omb.PublishRate {
			mean += r / float64(len(s.omb.PublishRate))
		}
		require.Equal(t, s.table["rates run"][3], fmt.Sprintf("%.0f", mean))
		require.Equal(t, fmt.Sprintf("%.0f", float64(acked)/seconds), fmt.Sprintf("%.0f", mean))
	}
}

// countsAgree: the rates of the timeline, times the lengths of its intervals,
// are the very counts of run.json, which is what omb.json is made of.
func countsAgree(t *testing.T, dir string) {
	trial, err := results.Load(dir)
	require.NoError(t, err)
	sums, before := map[string]map[string]int64{}, 0.0
	for i, row := range trial.Timeline.Rows {
		if sums[row.Phase] == nil {
			sums[row.Phase] = map[string]int64{}
		}
		for _, column := range []string{"acked_per_s", "consumed_per_s", "caught_up_per_s"} {
			sums[row.Phase][column] += int64(math.Round(trial.Timeline.Column(column)[i] * (row.T - before)))
		}
		before = row.T
	}
	for _, p := range trial.Run.Phases {
		require.Equal(t, map[string]int64{"acked_per_s": p.Acked, "consumed_per_s": p.Consumed, "caught_up_per_s": p.CaughtUp}, sums[p.Name], p.Name)
	}
	b, err := os.ReadFile(filepath.Join(dir, omb.FileName))
	require.NoError(t, err)
	var r omb.Result
	require.NoError(t, json.Unmarshal(withoutQuantiles(t, b), &r))
	require.NotEmpty(t, r.PublishRate)
	require.Positive(t, r.AggregatedEndToEndLatency99pct)
}
