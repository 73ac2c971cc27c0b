package resultstest

import (
	"fmt"
	"math"
	"path/filepath"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tidelog/tide/results"
)

// Repeats of each configuration of Synthetic.
const Repeats = 5

// syntheticSeconds of each trial: a warm-up of a third, then the run.
const syntheticSeconds = 30

// Synthetic is trial i of a large comparison, in memory only: configurations of
// five repeats each, by target, size of the window and path of the log. Each
// tenth configuration may lose what it acknowledged, each fiftieth trial is
// INVALID.
func Synthetic(i int) *results.Trial {
	arm, repeat := i/Repeats, i%Repeats
	window := []string{"256KiB", "1MiB", "4MiB", "64MiB"}[arm%4]
	path := []string{"pwrite", "uring", "fsync"}[arm/4%3]
	workload := []string{"tail-2k", "tail-10k"}[arm/12%2]
	t := &results.Trial{Dir: filepath.Join("trials", fmt.Sprintf("%s-%04d", workload, i)), Run: syntheticRun(i)}
	t.Run.Workload = workload
	t.Run.Target = fmt.Sprintf("tide?wal=%s:&window=%s&log-cache=%dMiB", path, window, 64<<(arm/24%4))
	t.Run.Config = map[string]string{
		"broker.wal": path + ":", "broker.window": window, "broker.log-cache": fmt.Sprintf("%dMiB", 64<<(arm/24%4)),
		"load.rate_per_s": map[string]string{"tail-2k": "2000", "tail-10k": "10000"}[workload], "load.value_bytes": "1024",
		"load.producers": "4", "load.consumers": "1", "load.partitions": "16", "load.acks": "all", "load.linger": "0s",
	}
	if arm%10 == 9 {
		t.Run.Durability = results.Durability{Acks: "all", Flush: "none", Replicas: 1, PowerCut: "a power cut may lose acknowledged records"}
	}
	t.Run.Verdict = results.Judge(&t.Run)
	t.Env = results.Env{Kernel: results.KernelInfo{Release: "6.0"}, Filesystem: "ext4", Device: results.Device{Name: "vda"}}
	t.Timeline.Columns = []string{"acked_mib_per_s", "consumed_mib_per_s", "target_cpu_cores"}
	middle := 1.5e6 * (1 + 0.5*float64(arm%7)) * (1 + 0.03*float64(repeat))
	for second := range syntheticSeconds {
		syntheticSecond(t, second, middle*(1+0.1*math.Sin(float64(second+i))))
	}
	return t
}

func syntheticRun(i int) results.Run {
	phase := func(name string, start, end float64) results.Phase {
		n := int64(2000 * (end - start))
		return results.Phase{
			Name: name, Start: start, End: end, RateChecked: name == "run", Scheduled: n, Acked: n, AckedBytes: n << 10,
			Consumed: n, ConsumedB: n << 10, Puts: 3, PutBytes: n << 10, CPU: 0.3 * (end - start),
			Counters: map[string]int64{"tide_wal_bytes_total": n << 11},
		}
	}
	r := results.Run{
		ID: fmt.Sprintf("trial-%04d", i), Started: Started.Add(time.Duration(i) * time.Minute), SecondsRun: syntheticSeconds, Seed: uint64(i),
		Durability: results.Durability{Acks: "all", Flush: "dsync", Replicas: 1, PowerCut: "a power cut loses nothing acknowledged"},
		Figures:    map[string]results.Figure{"target peak RSS": {Value: 120 + float64(i%40), Unit: "MiB"}},
		Phases:     []results.Phase{phase("warm-up", 0, 10), phase("run", 10, syntheticSeconds)},
	}
	if i%50 == 7 {
		r.Faults = []results.Finding{{What: "a fault", Hint: "none: it is made up"}}
	}
	return r
}

// syntheticSecond adds an interval of lognormal times about middle, in ns.
func syntheticSecond(t *results.Trial, second int, middle float64) {
	phase := "run"
	if second < 10 {
		phase = "warm-up"
	}
	from := t.Run.Started.Add(time.Duration(second) * time.Second)
	for _, s := range []results.Series{results.ProduceResponse, results.E2EResponse} {
		// Two digits: a thousand trials of three would fill the memory.
		h := hdrhistogram.New(results.HistogramLowest, results.HistogramHighest, 2)
		for k := range 500 {
			z := math.Sqrt2 * math.Erfinv(2*(float64(k)+0.5)/500-1)
			_ = h.RecordValues(int64(middle*math.Exp(0.4*z))+int64(s)*20_000, 4) // within the bounds
		}
		t.Logs[s] = append(t.Logs[s], results.Interval{Start: from, End: from.Add(time.Second), Phase: phase, Hist: results.NewSparse(h)})
	}
	t.Timeline.Rows = append(t.Timeline.Rows, results.Row{T: float64(second + 1), Phase: phase, Values: []float64{2, 2, 0.3 + 0.001*float64(second)}})
}
