package figures_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/cost"
	"github.com/tidelog/tide/results/figures"
	"github.com/tidelog/tide/results/resultstest"
)

// cellOn is a trial on a target, whose directory is the one that writeTrial makes.
func cellOn(workload, target, durability string, result map[string]any) results.CellTrial {
	result["durability"], result["trial"] = durability, "t"
	return results.CellTrial{Workload: workload, Settings: map[string]string{"target": target}, Result: result}
}

// writeTrial leaves the one trial that all cells of a run share.
func writeTrial(t *testing.T, run *results.MatrixRun) *results.MatrixRun {
	resultstest.Write(t, filepath.Join(run.Dir, "trials", "t"))
	return run
}

// f2: tide at 2 ms, Kafka at 20 and, without flushing, at 5.
func f2(t *testing.T) *results.MatrixRun {
	var cells []results.CellTrial
	for _, w := range []string{"tail-10k", "tail-2k"} {
		for _, c := range []struct {
			target, durability string
			ms                 float64
		}{
			{"tide", "dsync", 2},
			{"kafka?flush=1", "fsync", 20},
			{"kafka-tiered?flush=1", "fsync", 25},
			{"kafka", "none", 5},
			{"null", "none", 1},
		} {
			cells = append(cells, cellOn(w, c.target, c.durability, map[string]any{"produce.response.p99": 1e3 * c.ms}))
		}
	}
	return writeTrial(t, write(t, results.MatrixHeader{Name: "f2", Metric: "produce.response.p99"}, cells))
}

// f4: a rival that is eight times as slow meanwhile, and reads half as fast.
func f4(t *testing.T) *results.MatrixRun {
	return writeTrial(t, write(t, results.MatrixHeader{Name: "f4", Metric: "produce.response.p99", Quick: true}, []results.CellTrial{
		cellOn("quick-catchup", "tide?s3=versitygw", "dsync", map[string]any{
			"catch-up p99": 3.0, "catch-up p99 ÷ undisturbed": 1.2, "catch-up rate": 800.0,
			"catch-up acked ÷ due": 1.0 / 0.99, "catch-up from objects": 99.0,
		}),
		cellOn("quick-catchup", "kafka-tiered?flush=1&profile=tuned", "fsync", map[string]any{
			"catch-up p99": 24.0, "catch-up p99 ÷ undisturbed": 3.0, "catch-up rate": 400.0, "catch-up acked ÷ due": 0.9,
		}),
	}))
}

func f8(t *testing.T) *results.MatrixRun {
	return write(t, results.MatrixHeader{Name: "f8", Metric: "run.puts_per_gib_put"}, []results.CellTrial{
		cellOn("tail-20mib", "tide", "dsync", map[string]any{
			"run target CPU per GiB": 33.0, "run.puts_per_gib_put": 64.0, "run.gets_per_gib": 1.0, "run.put_bytes_per_byte": 1.0, "run.get_bytes_per_byte": 0.0,
			"run.wal_writes_per_gib": 30_000.0, "run.wal_bytes_per_byte": 1.1,
		}),
		cellOn("tail-20mib", "kafka?flush=1", "fsync", map[string]any{"run target CPU per GiB": 49.0}),
		cellOn("tail-20mib", "kafka-tiered?flush=1", "fsync", map[string]any{
			"run target CPU per GiB": 55.0, "run.puts_per_gib_put": 60.0, "run.gets_per_gib": 1.0, "run.put_bytes_per_byte": 1.0, "run.get_bytes_per_byte": 0.0,
		}),
	})
}

func f9(t *testing.T) *results.MatrixRun {
	var cells []results.CellTrial
	for _, w := range []string{"tail-2k", "closed-1k"} {
		for _, at := range []struct{ partitions, clients float64 }{{1, 4}, {16, 4}, {10_000, 4}, {16, 1}, {16, 1000}} {
			slow := 1 + at.partitions/1000 + at.clients/200
			cells = append(cells, results.CellTrial{
				Workload: w,
				Settings: map[string]string{"load.partitionsPerTopic": fmt.Sprint(at.partitions), "load.producersPerTopic": fmt.Sprint(at.clients)},
				Result: map[string]any{
					"produce.response.p99": 2000 * slow, "produce.response.p50": 500 * slow, "run.acked_mib_per_s": 600 / slow,
					"target peak RSS": 200 + 20*slow, "overhead_s": 1.5, "durability": "dsync",
				},
			})
		}
	}
	return write(t, results.MatrixHeader{Name: "f9", Metric: "produce.response.p99"}, cells)
}

// f10 has two arms of every cell, one of them a tenth slower.
func f10(t *testing.T) *results.MatrixRun {
	run := write(t, results.MatrixHeader{Name: "f10", Metric: "p50_us"}, []results.CellTrial{
		{Workload: "iopath-bench", Settings: map[string]string{}, Result: map[string]any{"iops": 1e4, "p50_us": 90.0, "p99_us": 200.0, "durability": "dsync"}},
		{Workload: "wal-bench", Settings: map[string]string{}, Result: map[string]any{"appends_per_s": 1e5, "p50_us": 400.0, "p99_us": 900.0, "durability": "dsync"}},
	})
	w, _, err := results.OpenMatrix(run.Dir, run.Header, run.Env)
	require.NoError(t, err)
	for _, line := range run.Trials {
		for i := range 4 {
			again := line
			again.AA, again.Repeat = i%2 == 1, 10*(i/2+1)+line.Repeat
			if line.Error == "" && !line.AA {
				again.Result = slower(line.Result, again.AA)
				require.NoError(t, w.Append(again))
			}
		}
	}
	require.NoError(t, w.Close())
	again, err := results.LoadMatrix(run.Dir)
	require.NoError(t, err)
	return again
}

func slower(result map[string]any, arm bool) map[string]any {
	out := map[string]any{}
	for k, v := range result {
		if f, ok := v.(float64); ok && arm {
			v = f * 1.1
		}
		out[k] = v
	}
	return out
}

// TestF2KeepsDurableApart: no curve of a target that loses data lies in the row
// of those that do not.
func TestF2KeepsDurableApart(t *testing.T) {
	f := byID(t, "F2")
	run := f2(t)
	drawn, err := f.Draw(run)
	require.NoError(t, err)
	svg := string(drawn[0].SVG)
	for _, want := range []string{"Kafka tiered flush=1: fsync", "Kafka: none", "tail-10k: a power cut loses nothing", "tail-2k: NOT durable", "null (no log, no store)"} {
		require.Contains(t, svg, want)
	}
	var durable []results.CellTrial
	for _, tr := range run.Trials {
		if tr.Result != nil && tr.Result["durability"] != "none" {
			durable = append(durable, tr)
		}
	}
	run.Trials = durable
	outcomes := f.Check(run)
	require.True(t, outcomes[0].OK())
	require.ErrorIs(t, outcomes[2].Err, figures.ErrNoData, "Kafka that flushes does not stand in for the one that does not")
}

// TestF9WantsItsEnds: where the trials with most partitions have failed, those
// with fewer do not stand in for them.
func TestF9WantsItsEnds(t *testing.T) {
	f, run := byID(t, "F9"), f9(t)
	for i := range run.Trials {
		if run.Trials[i].Settings["load.partitionsPerTopic"] == "10000" {
			run.Trials[i].Error = "too slow"
		}
	}
	for i, o := range f.Check(run) {
		require.Equal(t, i >= 3, o.OK(), o.What)
	}
}

// TestINVALIDIsNamed: what a load saturates is not in the picture, and the picture
// says so.
func TestINVALIDIsNamed(t *testing.T) {
	run := f2(t)
	for i, tr := range run.Trials {
		if tr.Workload == "tail-10k" && tr.Settings["target"] == "kafka?flush=1" {
			run.Trials[i].Verdict, run.Trials[i].Error = results.Invalid, "INVALID: 80 % of the rate"
		}
		if tr.Workload == "tail-2k" && tr.Settings["target"] == "null" && tr.Repeat == 1 {
			run.Trials[i].Verdict, run.Trials[i].Error = results.Invalid, "INVALID: once"
		}
	}
	drawn, err := byID(t, "F2").Draw(run)
	require.NoError(t, err)
	svg := string(drawn[0].SVG)
	require.Contains(t, svg, "not shown: tail-10k on Kafka flush=1")
	require.NotContains(t, svg, "tail-2k on null")
}

// TestF8TakesAnotherBook: prices are the reader's.
func TestF8TakesAnotherBook(t *testing.T) {
	f, run := byID(t, "F8"), f8(t)
	book := cost.Default()
	book.Date = "2030-01-01"
	book.CrossAZGB = 0
	book.Volumes["gp3"] = cost.Volume{}
	drawn, err := f.With(book).Draw(run)
	require.NoError(t, err)
	require.Contains(t, string(drawn[0].SVG), "2030-01-01")
	require.Contains(t, string(drawn[0].SVG), "kept 168 h")
	before, after := f.Check(run), f.With(book).Check(run)
	require.True(t, before[2].OK())
	require.False(t, after[2].OK(), "where neither zones nor volumes cost anything, tide is the dearer one: %v", after[2].Value)
	for i := range run.Trials {
		delete(run.Trials[i].Result, "run.puts_per_gib_put")
	}
	require.ErrorContains(t, f.Check(run)[2].Err, "no upload of tide", "no requests counted are not no requests")
	plain := byID(t, "F1")
	require.Equal(t, plain.ID, plain.With(book).ID)
}

// TestF2WithoutDirectories: a matrix that was copied without its trials has no
// curves, and says so.
func TestF2WithoutDirectories(t *testing.T) {
	run := f2(t)
	run.Dir = t.TempDir()
	_, err := byID(t, "F2").Draw(run)
	require.ErrorIs(t, err, figures.ErrNoData)
	require.ErrorContains(t, err, "histograms")
	run = f4(t)
	run.Dir = t.TempDir()
	_, err = byID(t, "F4").Draw(run)
	require.ErrorContains(t, err, "timeline")
}

func TestFiguresComeInOrder(t *testing.T) {
	var ids []string
	for _, f := range figures.OfMatrices() {
		ids = append(ids, f.ID)
	}
	text := strings.Join(ids, " ")
	require.Regexp(t, `^F1 F1L F2 F3 F4 F5 F5L F6 F8 F9 F10$`, text)
	require.NotEmpty(t, figures.Later["F7"])
}

func byID(t *testing.T, id string) figures.MatrixFigure {
	for _, f := range figures.OfMatrices() {
		if f.ID == id {
			return f
		}
	}
	t.Fatalf("there is no figure %s", id)
	return figures.MatrixFigure{}
}
