package matrix

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/resultstest"
)

// fakeTrial plays `tide bench WORKLOAD --target … --out DIR --json`: it leaves a
// trial and prints its run.json.
func fakeTrial(args []string) {
	dir := filepath.Join(args[5], fmt.Sprintf("trial-%d", os.Getpid()))
	if strings.Contains(args[3], "policy=fifo") {
		fmt.Println(`{"id": "../elsewhere"}`)
		os.Exit(0)
	}
	t := &testing.T{}
	resultstest.Write(t, dir)
	trial, err := results.Load(dir)
	if err != nil || t.Failed() {
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

func TestTrialCommandLine(t *testing.T) {
	b := brokerTrial{"cold-blocks"}
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
			"tide?wal=uring%3A%3Fcapacity%3D1GiB%26window%3D64KiB%2C4MiB%2C64MiB --out F --json",
		},
	} {
		got, err := b.args(c.settings, "F")
		require.NoError(t, err)
		require.Equal(t, "bench cold-blocks --target "+c.want, strings.Join(got, " "))
	}
	require.Equal(t, "wal gp3-3000, store s3-standard", b.simulated(map[string]string{"wal.model": "gp3-3000", "store.model": "s3-standard"}))
	require.Empty(t, b.simulated(map[string]string{"store.model": "none"}))
	for want, settings := range map[string]map[string]string{
		"axis quick":  {"quick": "maybe"},
		"axis store":  {"store": "dir"},
		"key colour":  {"wal.colour": "red"},
		"without a p": {"wal": "pwrite:own"},
	} {
		_, err := b.args(settings, "F")
		require.ErrorContains(t, err, want)
	}
}

func TestTrialLength(t *testing.T) {
	b := brokerTrial{"cold-blocks"}
	full, err := b.length(nil)
	require.NoError(t, err)
	quick, err := b.length(map[string]string{"quick": "true"})
	require.NoError(t, err)
	require.Greater(t, full.Seconds(), 25.0)
	require.Less(t, quick.Seconds(), 12.0)
	_, err = brokerTrial{"none"}.length(nil)
	require.Error(t, err)
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

	cfg, _ = config(t, filepath.Join(t.TempDir(), "invalid"))
	invalid := plan(t, strings.Replace(trials, "prefetch != none", "prefetch == none", 1))
	require.NoError(t, invalid.Run(t.Context(), cfg))
	run, err = results.LoadMatrix(cfg.Out)
	require.NoError(t, err)
	require.Empty(t, run.Cells(), "what is invalid is left out of medians")
	require.Contains(t, run.Failed()[0].Error+run.Failed()[1].Error, "INVALID")

	cfg.Device = filepath.Join(t.TempDir(), "device")
	require.ErrorContains(t, invalid.Run(t.Context(), cfg), "leave --device out")
}
