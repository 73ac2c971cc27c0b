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
testDurationMinutes: 0.2
phases:
  - {at: 3s, do: catch-up, for: 2s}
  - {at: 6s, do: compact, for: 2s}
  - {at: 9s, do: kill9, for: 2s}
verify: true
`

// TestPhases runs the real `tide bench`: each phase does what it is named for,
// and no record is lost over all of them. Rates are this machine's business.
func TestPhases(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "disturbing.yaml")
	require.NoError(t, os.WriteFile(file, []byte(disturbing), 0o644))
	cmd := exec.Command(*tide, "bench", file, "--json", "--out", dir, "--target",
		"tide?wal=pwrite:?capacity=128MiB%26durability=none&log-cache=32MiB&block-cache=32MiB&upload-threshold=2MiB&upload-interval=500ms&compact-target=1MiB")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	const invalid = 3 // the machine may be too slow for the rate
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != invalid {
		require.NoError(t, err, stderr.String())
	}
	var run benchRun
	require.NoError(t, json.Unmarshal(stdout, &run))
	times, err := os.ReadFile(filepath.Join(dir, run.ID, "produce.response.hlog"))
	require.NoError(t, err)
	checkPhases(t, run, string(times))
}

// benchRun is what is looked at of run.json.
type benchRun struct {
	ID     string
	Config map[string]string
	Phases []struct {
		Name      string
		Window    bool
		CaughtUpB int64 `json:"caught_up_bytes"`
		Splits    []struct {
			Work     string
			Complete int64
		}
	}
	Figures      map[string]struct{ Value float64 }
	Faults       []struct{ What string }
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
	require.Equal(t, []string{"fill", "warm-up", "run", "catch-up", "run-2", "compact", "run-3", "kill9", "run-4"}, names)
	require.Positive(t, uploads)
	require.GreaterOrEqual(t, caught, int64(32<<20), "what was filled")
	require.GreaterOrEqual(t, run.Figures["catch-up from objects"].Value, 95.0)
	require.Equal(t, "own, nice 19", run.Config["load.catch_up_process"])
	for _, figure := range []string{"catch-up rate", "catch-up consumers' CPU", "compact objects merged", "kill9 outage", "kill9 p99 ÷ undisturbed", "undisturbed p99"} {
		require.Positive(t, run.Figures[figure].Value, figure)
	}
}
