package itest

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// disturbing is a load of seconds to which everything happens that can.
const disturbing = `
name: disturbing
partitionsPerTopic: 4
messageSize: 1024
producersPerTopic: 2
subscriptionsPerTopic: 1
consumerPerSubscription: 1
producerRate: 1000
fillGB: 0.03125
warmupDurationMinutes: 0.0167
testDurationMinutes: 0.25
phases:
  - {at: 3s, do: catch-up, for: 2s}
  - {at: 6s, do: compact, for: 2s}
  - {at: 9s, do: kill9, for: 2s}
  - {at: 12s, do: store-outage, for: 2s}
verify: true
`

// TestPhases runs the real `tide bench`: each phase does what it is named for,
// and no record is lost over all of them. Rates are this machine's business.
func TestPhases(t *testing.T) {
	dir := t.TempDir()
	run := runBench(t, dir, disturbing)
	times, err := os.ReadFile(filepath.Join(dir, run.ID, "produce.response.hlog"))
	require.NoError(t, err)
	checkPhases(t, run, string(times))
}

// smallBroker is a target whose caches and uploads are small.
const smallBroker = "tide?wal=pwrite:?capacity=128MiB%26durability=none&log-cache=32MiB&block-cache=32MiB&upload-threshold=2MiB&upload-interval=500ms&compact-target=1MiB"

// runBench runs a workload against it, from a directory.
func runBench(t *testing.T, dir, workload string, flags ...string) (run benchRun) {
	file := filepath.Join(dir, "workload.yaml")
	require.NoError(t, os.WriteFile(file, []byte(workload), 0o644))
	cmd := exec.Command(*tide, append([]string{"bench", file, "--json", "--out", dir, "--target", smallBroker}, flags...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	const invalid = 3 // the machine may be too slow for the rate
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != invalid {
		require.NoError(t, err, stderr.String())
	}
	require.NoError(t, json.Unmarshal(stdout, &run))
	return run
}

// lagging is a back-log beside an open loop, as OpenMessaging Benchmark has it.
const lagging = `
name: lagging
partitionsPerTopic: 4
messageSize: 1024
producersPerTopic: 2
subscriptionsPerTopic: 1
consumerPerSubscription: 1
producerRate: 2000
consumerBacklogSizeGB: 0.0078125
backlogDrainRatio: 1.0
warmupDurationMinutes: 0.0167
testDurationMinutes: 0.05
verify: true
`

func TestBacklogBesideALoad(t *testing.T) {
	run := runBench(t, t.TempDir(), lagging)
	require.Empty(t, run.Faults, "nothing but rates may be wrong")
	var names []string
	consumed := map[string]int64{}
	for _, p := range run.Phases {
		names = append(names, p.Name)
		consumed[p.Name] = p.Consumed
	}
	require.Equal(t, []string{"warm-up", "backlog-build", "backlog-drain", "run"}, names)
	require.Less(t, consumed["backlog-build"], int64(1000), "what was asked for when they paused")
	require.GreaterOrEqual(t, consumed["backlog-drain"], int64(8192-2000))
	require.GreaterOrEqual(t, run.Figures["backlog-build size"].Value, 8.0)
	for _, figure := range []string{"backlog-build time", "backlog-drain time", "backlog-drain read rate", "backlog-build p99 ÷ undisturbed"} {
		require.Positive(t, run.Figures[figure].Value, figure)
	}
	require.Zero(t, run.Verification.Lost+run.Verification.Duplicates)
	require.Positive(t, run.Verification.Expected)
}

// TestSearch: a rate at which too few records come together for a p99 does not
// hold, so this search ends soon, with nothing; what it tried is there.
func TestSearch(t *testing.T) {
	dir := t.TempDir()
	run := runBench(t, dir, `
name: searched
partitionsPerTopic: 4
messageSize: 1024
producersPerTopic: 2
subscriptionsPerTopic: 1
consumerPerSubscription: 1
producerRate: 2
warmupDurationMinutes: 0
testDurationMinutes: 0.0334
verify: true
`, "--search", "p99=1s")
	require.Len(t, run.Faults, 1)
	require.Contains(t, run.Faults[0].What, "no rate was found that holds p99=1s")
	require.Len(t, run.Search.Probes, 2)
	for _, p := range run.Search.Probes {
		require.False(t, p.Held)
		require.Contains(t, p.Reasons[0], "records in the run are too few")
		require.Positive(t, p.ValueNs)
		require.FileExists(t, filepath.Join(dir, run.ID, p.Trial, "run.json"))
	}
}

// benchRun is what is looked at of run.json.
type benchRun struct {
	ID     string
	Config map[string]string
	Phases []struct {
		Name      string
		Window    bool
		Consumed  int64
		CaughtUpB int64 `json:"caught_up_bytes"`
		Splits    []struct {
			Work     string
			Complete int64
		}
	}
	Figures map[string]struct{ Value float64 }
	Faults  []struct{ What string }
	Search  struct {
		Probes []struct {
			Held    bool
			ValueNs int64 `json:"value_ns"`
			Reasons []string
			Trial   string
		}
	}
	Verification struct {
		Done                                           bool
		Expected, Lost, Duplicates, Reordered, Corrupt int64
	}
}

func checkPhases(t *testing.T, run benchRun, times string) {
	require.Empty(t, run.Faults, "nothing but rates may be wrong")
	v := run.Verification
	require.True(t, v.Done)
	require.Positive(t, v.Expected)
	require.Zero(t, v.Lost+v.Duplicates+v.Reordered+v.Corrupt, "%+v", v)
	var names []string
	uploads, caught := int64(0), int64(0)
	for _, p := range run.Phases {
		names = append(names, p.Name)
		require.Contains(t, times, "Tag="+p.Name+",")
		caught += p.CaughtUpB
		if p.Window {
			require.NotEmpty(t, p.Splits, "phase %s: told apart by uploads", p.Name)
		}
		for _, s := range p.Splits {
			if s.Work == "upload" {
				uploads += s.Complete
			}
		}
	}
	require.Equal(t, []string{"fill", "warm-up", "run", "catch-up", "run-2", "compact", "run-3", "kill9", "run-4", "store-outage", "run-5"}, names)
	require.Positive(t, uploads)
	require.GreaterOrEqual(t, caught, int64(32<<20), "what was filled")
	require.GreaterOrEqual(t, run.Figures["catch-up from objects"].Value, 95.0)
	require.Equal(t, "own, nice 19", run.Config["load.catch_up_process"])
	require.Equal(t, "true", run.Config["broker.fault-injection"])
	for _, figure := range []string{"catch-up rate", "catch-up consumers' CPU", "compact objects merged", "kill9 outage", "store-outage acknowledged meanwhile", "store-outage until level", "kill9 p99 ÷ undisturbed", "undisturbed p99"} {
		require.Positive(t, run.Figures[figure].Value, figure)
	}
}
