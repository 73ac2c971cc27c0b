package omb_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/omb"
)

// keys of OMB's TestResult, in its order. * stands for the eight of a latency.
const keys = `workload driver messageSize topics partitions producersPerTopic consumersPerTopic
publishRate publishErrorRate consumeRate backlog publishLatency* publishDelayLatency*
aggregatedPublishLatency* aggregatedPublishDelayLatency* aggregatedPublishLatencyQuantiles
aggregatedPublishDelayLatencyQuantiles endToEndLatency* aggregatedEndToEndLatencyQuantiles aggregatedEndToEndLatency*`

func wantedKeys() []string {
	var out []string
	for _, k := range strings.Fields(keys) {
		stem, isLatency := strings.CutSuffix(k, "*")
		if !isLatency {
			out = append(out, k)
			continue
		}
		for _, q := range strings.Fields("Avg 50pct 75pct 95pct 99pct 999pct 9999pct Max") {
			out = append(out, stem+q)
		}
	}
	return out
}

// shape of a trial in tests: rows of one second each, whose records are one
// service time of n ms in the n-th row and a delay of 7.9 µs.
type shape []struct {
	phase   string
	rows    int
	perRow  int64 // acknowledged
	receive int64 // received
}

func write(t *testing.T, phases shape) *results.Trial {
	dir := filepath.Join(t.TempDir(), "t-1")
	started := time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, time.UTC)
	w, err := results.Create(dir, started, []string{"acked_per_s", "failed_per_s", "consumed_per_s", "caught_up_per_s"})
	require.NoError(t, err)
	run := &results.Run{
		Workload: "w", Target: "tide?wal=uring:", Started: started,
		Config: map[string]string{
			"load.topics": "2", "load.partitions": "16", "load.producers": "8", "load.consumers": "4", "load.value_bytes": "1024",
		},
	}
	at, n := 0.0, 0
	for _, p := range phases {
		from := at
		for range p.rows {
			n++
			length := 1.0003
			hs := results.NewHistograms()
			require.NoError(t, hs[results.ProduceService].RecordValues(int64(n)*1e6, p.perRow))
			require.NoError(t, hs[results.ProduceDelay].RecordValues(7900, p.perRow))
			if p.receive > 0 {
				require.NoError(t, hs[results.E2EService].RecordValues(int64(n)*2e6, p.receive))
			}
			if p.perRow > 0 {
				require.NoError(t, w.Interval(started.Add(seconds(at)), started.Add(seconds(at+length)), p.phase, hs))
			}
			at += length
			require.NoError(t, w.Row(results.Row{T: at, Phase: p.phase, Values: []float64{
				float64(p.perRow) / length, 0, float64(p.receive) / 2 / length, float64(p.receive) / 2 / length,
			}}))
		}
		if p.phase != "" {
			run.Phases = append(run.Phases, results.Phase{Name: p.phase, Start: from, End: at, Acked: p.perRow * int64(p.rows)})
		}
	}
	require.NoError(t, w.Finish(run, &results.Env{}))
	trial, err := results.Load(dir)
	require.NoError(t, err)
	return trial
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func TestKeysAreThoseOfOMB(t *testing.T) {
	trial := write(t, shape{{"warm-up", 3, 10, 10}, {"run", 12, 10, 10}})
	require.NoError(t, omb.Write(trial))
	b, err := os.ReadFile(filepath.Join(trial.Dir, "omb.json"))
	require.NoError(t, err)
	require.Equal(t, wantedKeys(), keysOf(t, b))
}

// keysOf the outer object, in the order of the file.
func keysOf(t *testing.T, b []byte) []string {
	dec := json.NewDecoder(bytes.NewReader(b))
	_, err := dec.Token()
	require.NoError(t, err)
	var out []string
	for dec.More() {
		k, err := dec.Token()
		require.NoError(t, err)
		out = append(out, k.(string))
		var skipped json.RawMessage
		require.NoError(t, dec.Decode(&skipped))
	}
	return out
}

func TestWindows(t *testing.T) {
	for _, c := range []struct {
		rows int
		want []int // rows of each window
	}{
		{1, []int{1}},
		{10, []int{10}},
		{12, []int{12}}, // a rest under five seconds joins the window before it
		{15, []int{10, 5}},
		{20, []int{10, 10}},
		{24, []int{10, 14}},
		{35, []int{10, 10, 10, 5}},
	} {
		trial := write(t, shape{{"warm-up", 3, 100, 100}, {"", 1, 0, 0}, {"run", c.rows, 10, 5}})
		r := omb.Of(trial)
		require.Len(t, r.PublishRate, len(c.want), "%d rows", c.rows)
		first, sent := 5, 0
		for i, rows := range c.want {
			sent += rows
			require.InDelta(t, 10/1.0003, r.PublishRate[i], 1e-6)
			require.InDelta(t, 4/1.0003, r.ConsumeRate[i], 1e-6, "2.5 rounded to even or up, twice")
			require.Zero(t, r.PublishErrorRate[i])
			require.InEpsilon(t, float64(first), r.PublishLatency50pct[i]-float64(rows-1)/2, 0.2, "window %d", i)
			require.InEpsilon(t, float64(first+rows-1), r.PublishLatencyMax[i], 0.001)
			require.Equal(t, int64(7), r.PublishDelayLatency99pct[i], "µs, cut")
			first += rows
		}
		require.Positive(t, r.Backlog[len(c.want)-1])
	}
}

// logIntervalMillis of the workload sets the length of a window.
func TestLogInterval(t *testing.T) {
	for interval, want := range map[string]int{"": 2, "10s": 2, "0s": 2, "1s": 20, "100ms": 20, "5s": 4, "1m0s": 1, "x": 2} {
		trial := write(t, shape{{"run", 20, 10, 5}})
		trial.Run.Config["bench.log_interval"] = interval
		require.Len(t, omb.Of(trial).PublishRate, want, interval)
	}
}

func TestHeader(t *testing.T) {
	trial := write(t, shape{{"run", 1, 10, 5}})
	trial.Run.Config["load.partitions"], trial.Run.Config["load.subscriptions"] = "8, 16", "2"
	trial.Run.Config["load.producers_per_topic"], trial.Run.Config["load.consumers_per_subscription"] = "3", "5"
	r := omb.Of(trial)
	require.Equal(t, []int64{8, 3, 5}, []int64{r.Partitions, r.ProducersPerTopic, r.ConsumersPerTopic})
	require.Equal(t, []int64{2*10 - 4}, []int64(r.Backlog), "each record is to be received twice")
}

// Warm-up is in no number; two measured phases are one run.
func TestMeasuredPhases(t *testing.T) {
	trial := write(t, shape{{"warm-up", 5, 1000, 0}, {"fill", 12, 10, 0}, {"", 2, 0, 0}, {"catch-up", 10, 10, 1000}})
	r := omb.Of(trial)
	require.Len(t, r.PublishRate, 2)
	require.Equal(t, []int64{5120, 0}, []int64(r.Backlog), "what warm-up sent is to be read too")
	require.InDelta(t, 1000/1.0003, r.ConsumeRate[1], 1e-6)
	require.InEpsilon(t, 29, r.AggregatedPublishLatencyMax, 0.001)
	require.InEpsilon(t, 58, r.AggregatedEndToEndLatencyMax, 0.001)
	require.InEpsilon(t, (11.5*12+24.5*10)/22, r.AggregatedPublishLatencyAvg, 0.001)
	require.Equal(t, int64(2), r.Topics)
	require.Equal(t, int64(4), r.ProducersPerTopic)
	require.Equal(t, int64(2), r.ConsumersPerTopic)
	require.Equal(t, int64(1024), r.MessageSize)
}

// TestNotOfAnIncompleteTrial: what is not known would be written as zero.
func TestNotOfAnIncompleteTrial(t *testing.T) {
	trial := write(t, shape{{"run", 2, 10, 5}})
	trial.Missing = []results.Series{results.ProduceDelay}
	require.ErrorIs(t, omb.Write(trial), omb.ErrIncomplete)
	require.NoFileExists(t, filepath.Join(trial.Dir, omb.FileName))
	trial.Missing = []results.Series{results.ProduceClient} // OMB has none of it
	require.NoError(t, omb.Write(trial))
}

func TestEmptyTrial(t *testing.T) {
	trial := write(t, shape{{"warm-up", 2, 10, 0}})
	require.NoError(t, omb.Write(trial))
	b, err := os.ReadFile(filepath.Join(trial.Dir, "omb.json"))
	require.NoError(t, err)
	require.Contains(t, string(b), `"publishRate": []`)
	require.Contains(t, string(b), `"publishLatencyAvg": []`)
	require.Contains(t, string(b), `"aggregatedPublishLatencyQuantiles": {}`)
}

// A recorded trial: counts, quantiles and percentiles against its own files.
func TestRecordedTrial(t *testing.T) {
	trial, err := results.Load(filepath.Join("..", "published", "first", "tail-2k"))
	require.NoError(t, err)
	r := omb.Of(trial)
	require.Len(t, r.PublishRate, 2, "20 s")
	run, ok := trial.Phase("run")
	require.True(t, ok)
	require.InEpsilon(t, run.PerSecond(run.Acked), (r.PublishRate[0]+r.PublishRate[1])/2, 1e-3)
	h := trial.Merged(results.ProduceService, "run")
	require.Equal(t, float64(h.ValueAtPercentile(99))/1e6, r.AggregatedPublishLatency99pct)

	b, err := json.Marshal(r)
	require.NoError(t, err)
	var read struct {
		Quantiles map[string]float64 `json:"aggregatedPublishLatencyQuantiles"`
	}
	require.NoError(t, json.Unmarshal(b, &read))
	require.Greater(t, len(read.Quantiles), 300)
	require.Equal(t, float64(h.Max())/1e6, read.Quantiles["100.0"])
	for text, value := range read.Quantiles {
		percentile, err := strconv.ParseFloat(text, 64)
		require.NoError(t, err)
		// The value at that share of the records, give or take a bucket.
		require.InEpsilon(t, float64(h.ValueAtPercentile(math.Max(percentile-1e-9, 0)))/1e6, value, 0.002, text)
	}
}
