package matrix

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/resultstest"
	"github.com/tidelog/tide/workloads"
)

// fakeTrial plays `tide bench WORKLOAD --target … --out DIR --json`: it leaves a
// trial and prints its run.json.
func fakeTrial(args []string) {
	dir := filepath.Join(args[5], fmt.Sprintf("trial-%d", os.Getpid()))
	if strings.Contains(args[3], "policy=fifo") {
		fmt.Println(`{"id": "../elsewhere"}`)
		os.Exit(0)
	}
	write := writeSmall
	if os.Getenv(envKillSocket) == "" {
		write = writeWhole
	}
	trial, err := write(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tide:", err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(trial.Run)
	if strings.Contains(args[3], "prefetch=none") {
		fmt.Fprintln(os.Stderr, "tide: INVALID: too slow")
		os.Exit(3)
	}
	os.Exit(0)
}

func writeWhole(dir string) (*results.Trial, error) {
	t := &testing.T{}
	resultstest.Write(t, dir)
	if t.Failed() {
		return nil, errors.New("resultstest failed")
	}
	return results.Load(dir)
}

// writeSmall is a trial in which nothing happened: many of them are quick.
func writeSmall(dir string) (*results.Trial, error) {
	w, err := results.Create(dir, resultstest.Started, []string{"acked_mib_per_s"})
	if err != nil {
		return nil, err
	}
	run := &results.Run{Workload: "w", Started: resultstest.Started, Phases: []results.Phase{{Name: "run", End: 1}}}
	if err := w.Finish(run, &results.Env{}); err != nil {
		return nil, err
	}
	return results.Load(dir)
}

func TestTrialCommandLine(t *testing.T) {
	b := trialOf(t, "cold-blocks")
	for _, c := range []struct {
		settings map[string]string
		want     string
	}{
		{nil, "tide --out F --json"},
		{map[string]string{"object-block": "64KiB", "quick": "true"}, "tide?object-block=64KiB --out F --json --quick"},
		{map[string]string{"store.model": "none", "quick": "false"}, "tide?store=dir%3A --out F --json"},
		{
			map[string]string{"store.model": "s3-standard", "store": "dir:?rate=20MiB/s"},
			"tide?store=dir%3A%3Fmodel%3Ds3-standard%26rate%3D20MiB%252Fs --out F --json",
		},
		{map[string]string{"store.path": "mem"}, "tide?store=mem%3A --out F --json"},
		{
			map[string]string{"wal.path": "uring", "wal.window": "64KiB,4MiB,64MiB"},
			"tide?wal=uring%3A%3Fwindow%3D64KiB%2C4MiB%2C64MiB --out F --json",
		},
		{
			map[string]string{"target": "tide?wal=uring:/dev/x&policy=fifo", "wal.window": "4MiB", "prefetch": "none"},
			"tide?policy=fifo&prefetch=none&wal=uring%3A%2Fdev%2Fx%3Fwindow%3D4MiB --out F --json",
		},
		{map[string]string{"target": "10.0.0.1:9092", "quick": "true"}, "10.0.0.1:9092 --out F --json --quick"},
	} {
		got, err := b.args(c.settings, "F")
		require.NoError(t, err)
		require.Equal(t, "bench cold-blocks --target "+c.want, strings.Join(got, " "))
	}
	require.Equal(t, "wal gp3-3000, store s3-standard", b.simulated(map[string]string{"wal.model": "gp3-3000", "store.model": "s3-standard"}))
	require.Empty(t, b.simulated(map[string]string{"store.model": "none"}))
	for want, settings := range map[string]map[string]string{
		"axis quick":                         {"quick": "maybe"},
		"axis store":                         {"store": "dir"},
		"key colour":                         {"wal.colour": "red"},
		"want SCHEME":                        {"wal": "pwrite"},
		"does not fit into wal.window 64KiB": {"wal.block": "256KiB", "wal.window": "64KiB"},
		"which is an axis too":               {"policy": "lru", "target": "tide?policy=fifo"},
		"wal, which is an axis":              {"wal": "mem:", "target": "tide?wal=uring:"},
		"axes load.: workload":               {"load.messageSize": "["},
		"field color not found":              {"load.color": "red"},
	} {
		_, err := b.args(settings, "F")
		require.ErrorContains(t, err, want)
	}
}

func TestTrialLength(t *testing.T) {
	b := trialOf(t, "cold-blocks")
	full, err := b.length(nil)
	require.NoError(t, err)
	quick, err := b.length(map[string]string{"quick": "true"})
	require.NoError(t, err)
	require.Greater(t, full.Seconds(), 24.0)
	require.Less(t, quick.Seconds(), 12.0)
	b = trialOf(t, "tail-2k")
	short, err := b.length(map[string]string{"load.testDurationMinutes": "0.1", "load.warmupDurationMinutes": "0"})
	require.NoError(t, err)
	require.InDelta(t, (6*time.Second + trialOverhead).Seconds(), short.Seconds(), 0.1)
	_, err = b.length(map[string]string{"load.testDurationMinutes": "-1"})
	require.ErrorContains(t, err, "testDurationMinutes is -1")
}

func trialOf(t *testing.T, name string) brokerTrial {
	w, err := workloads.Open(name)
	require.NoError(t, err)
	return brokerTrial{name, w}
}

const trials = `
name: trials
workloads: [cold-blocks]
axes: {object-block: [64KiB], prefetch: [fixed, none], policy: [lru, fifo]}
constraints: ["prefetch != none"]
repeats: 1
metric: produce.response.p99
`

// TestRunTrials: what a trial leaves becomes one flat result, and its directory
// stays.
func TestRunTrials(t *testing.T) {
	out := filepath.Join(t.TempDir(), "f")
	cfg, _ := config(t, out)
	p := plan(t, trials)
	require.NoError(t, p.Run(t.Context(), cfg))
	run, err := results.LoadMatrix(out)
	require.NoError(t, err)
	require.Len(t, run.Cells(), 1)
	c := run.Cells()[0]
	require.Equal(t, "dsync", c.Text("durability"))
	require.Equal(t, results.Valid, c.Text("verdict"))
	recovery, ok := c.Stat("recovery")
	require.True(t, ok)
	require.Equal(t, 0.8, recovery.Median)
	p99, ok := c.Stat("produce.response.p99")
	require.True(t, ok)
	require.Greater(t, p99.Median, 2000.0, "µs")
	_, ok = c.Stat("fetch.response.p99")
	require.False(t, ok, "nothing was fetched")
	require.DirExists(t, filepath.Join(out, "trials", c.Text("trial")))
	require.Len(t, run.Failed(), 1)
	require.Contains(t, run.Failed()[0].Error, "it has no id")
	require.False(t, run.Failed()[0].Invalid())
	require.Equal(t, results.Valid, c.Trials[0].Verdict)
	overhead, ok := c.Trials[0].Number("overhead_s")
	require.True(t, ok)
	require.Equal(t, c.Trials[0].Seconds-12, overhead, "all but the three phases of four seconds")

	cfg, _ = config(t, filepath.Join(t.TempDir(), "invalid"))
	invalid := plan(t, strings.Replace(trials, "prefetch != none", "prefetch == none", 1))
	require.NoError(t, invalid.Run(t.Context(), cfg))
	run, err = results.LoadMatrix(cfg.Out)
	require.NoError(t, err)
	require.Empty(t, run.Cells(), "what is invalid is left out of medians")
	require.Len(t, run.Failed(), 2)
	var judged results.CellTrial
	for _, f := range run.Failed() {
		if f.Invalid() {
			judged = f
		}
	}
	require.Contains(t, judged.Error, "INVALID: ")
	require.Equal(t, 0.8, judged.Result["recovery"], "kept, and left out of medians")
	status := invalid.Status(cfg.Out)
	require.Equal(t, []int{1, 1, 1, 1}, []int{status.Done, status.Invalid, status.Failed, status.Left}, "it has run, and is not repeated")
	cfg.Again = true
	require.False(t, invalid.complete(cfg))

	cfg.Device = filepath.Join(t.TempDir(), "device")
	require.ErrorContains(t, invalid.Run(t.Context(), cfg), "leave --device out")
}
