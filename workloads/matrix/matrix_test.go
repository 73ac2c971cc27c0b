package matrix

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads"
)

// TestMain makes the test binary play tide: it prints what a bench would, made
// of its command line, so that no test needs a device or measures anything.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "s3-empty" {
		fakeEmpty(os.Args[2])
	}
	if len(os.Args) > 1 && os.Args[1] == "bench" {
		announce(os.Args[1:])
		fakeTrial(os.Args[1:])
	}
	if len(os.Args) > 2 && os.Args[2] == "bench" {
		fakeBench(os.Args[1:])
	}
	if out := os.Getenv(envKillOut); out != "" {
		os.Exit(runToBeKilled(out))
	}
	// Under the race detector every child would sleep for a second at its end.
	_ = os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
	goleak.VerifyTestMain(m)
}

func fakeBench(args []string) {
	line := strings.Join(args, " ")
	if v := os.Getenv("TIDE_DEPTH"); v != "" {
		fmt.Fprintln(os.Stderr, "a flag came in through the environment")
		os.Exit(1)
	}
	switch {
	case strings.Contains(line, "--depth 13"):
		fmt.Fprintln(os.Stderr, "a warning before it")
		fmt.Fprintln(os.Stderr, "tide: the device went away")
		os.Exit(1)
	case strings.Contains(line, "--depth 14"):
		fmt.Println("no JSON")
	case strings.Contains(line, "--depth 15"):
		fmt.Println(`{"iops": 1}{"iops": 2}`)
	case strings.Contains(line, "--depth 16"):
		fmt.Println(`{"iops": 1}`)
		fmt.Fprintln(os.Stderr, "tide: the rate was not reached")
		os.Exit(3)
	default:
		_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"iops": len(line), "durability": "dsync", "wal": args[3]})
	}
	os.Exit(0)
}

type silent struct{ steps []string }

func (s *silent) Step(name string, _ time.Duration) { s.steps = append(s.steps, name) }

func plan(t *testing.T, text string) Plan {
	m, err := Parse([]byte(text), false)
	require.NoError(t, err)
	p, err := m.Plan()
	require.NoError(t, err)
	return p
}

const small = `
name: small
workloads: [iopath-bench]
axes: {wal.path: [uring, pwrite], depth: [1, 8, 64], block: [4KiB, 64KiB], fio: [true]}
constraints: ["wal.path != uring", "block <= 4KiB"]
repeats: 4
aa: true
metric: iops
`

func TestPlan(t *testing.T) {
	p := plan(t, small)
	require.Len(t, p.Cells, 3)
	require.Len(t, p.Trials, 4*(3+1))
	for i := range 4 { // ABBA: each even round is the one before it, backwards
		require.Equal(t, p.Trials[i].Cell.ID, p.Trials[7-i].Cell.ID)
	}
	require.Equal(t, p.Trials, plan(t, small).Trials, "the seed decides the order")
	again := plan(t, small+"seed: 2\n")
	require.Equal(t, p.Cells, again.Cells)
	require.NotEqual(t, p.Trials, again.Trials)
	aa := 0
	for _, tr := range p.Trials {
		if tr.AA {
			aa++
		}
	}
	require.Equal(t, 4, aa)
	require.Equal(t, 16*(10*3+0.8+0.3), p.Estimate(nil).Seconds())
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		bench    string
		settings map[string]string
		want     string
	}{
		{
			"iopath-bench",
			map[string]string{"wal.path": "uring", "block": "4KiB", "depth": "8", "fio": "true", "duration": "1s"},
			"iopath bench --wal uring:F?capacity=1GiB --block 4KiB --depth 8 --duration 1s --fio --json",
		},
		{
			"wal-bench",
			map[string]string{"wal": "mem:?model=gp3-3000&seed=1", "wal.window": "64KiB,4MiB,64MiB", "appenders": "64", "rate": "20MiB/s"},
			"wal bench --wal mem:?model=gp3-3000&seed=1&window=64KiB,4MiB,64MiB --appenders 64 --rate 20MiB/s --json",
		},
		{"wal-bench", map[string]string{}, "wal bench --wal pwrite:F?capacity=1GiB --json"},
	} {
		got, err := benches[c.bench].args(c.settings, "F")
		require.NoError(t, err)
		require.Equal(t, c.want, strings.Join(got, " "))
	}
	require.Equal(t, "gp3-3000", benches["wal-bench"].simulated(map[string]string{"wal": "mem:?model=gp3-3000&seed=1"}))
}

func TestParseReportsEveryFault(t *testing.T) {
	_, err := Parse([]byte(`
name: "two words"
workloads: [iopath-bench, no-such]
targets: ["10.0.0.1:9092", "tide?data=/x"]
axes: {wal.path: [], appenders: [1], depth: [1, 1]}
constraints: ["block <= depth", "depth < many", "depth is 1", "depth != 2", "target == kafka or depth == 1"]
repeats: 0
quick: {axes: {block: [4KiB]}}
`), false)
	for _, want := range []string{
		`name is "two words"`, `workload "no-such"`, "runs without a target", "flag data is set", "axis wal.path has 0 values", "axis appenders: iopath-bench has no such setting",
		"axis depth has a value twice", `"block" is neither`, `"many" is neither`, `"depth is 1": want AXIS OP`, "axis depth has no value 2: want one of 1, 1",
		"axis target has no value kafka: want one of 10.0.0.1:9092, tide?data=/x", "repeats is 0", "metric is missing",
		"quick.axes.block: there is no such axis",
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = Parse([]byte("name: x\nreplicas: 3\n"), false)
	require.ErrorContains(t, err, "field replicas not found")
	_, err = Parse(make([]byte, MaxFile+1), false)
	require.ErrorContains(t, err, "at most")
}

func TestPlanRefuses(t *testing.T) {
	for _, c := range []struct{ axes, constraint, want string }{
		{"wal.colour: [red], wal.path: [mem]", "1 == 1", "key colour"},
		{"wal: [pwrite:own.wal]", "1 == 1", "without a path"},
		{"wal.block: [1MiB], wal.window: [64KiB]", "1 == 1", "wal.block 1MiB does not fit into wal.window 64KiB"},
		{"wal: [pwrite]", "1 == 1", "want SCHEME"},
		{"duration: [soon]", "1 == 1", "axis duration"},
		{"fio: [maybe]", "1 == 1", "want true or false"},
		{"depth: [1, 2]", "depth > 2", "no cell meets"},
		{"block: [large], depth: [1]", "block > depth", "cannot compare"},
	} {
		m, err := Parse(fmt.Appendf(nil, "{name: x, workloads: [iopath-bench], metric: iops, axes: {%s}, constraints: [%q]}", c.axes, c.constraint), false)
		require.NoError(t, err)
		_, err = m.Plan()
		require.ErrorContains(t, err, c.want)
	}
}

func TestConstraintTakesTheBound(t *testing.T) {
	axes := map[string][]string{"wal.block": {}, "wal.window": {}}
	c, err := parseConstraint("wal.block <= wal.window", axes)
	require.NoError(t, err)
	for _, v := range []struct {
		block, window string
		want          bool
	}{{"64KiB,1MiB", "64KiB", false}, {"64KiB,64KiB", "64KiB", true}, {"1MiB", "64KiB,64KiB,64MiB", true}} {
		ok, err := c.holds(map[string]string{"wal.block": v.block, "wal.window": v.window})
		require.NoError(t, err)
		require.Equal(t, v.want, ok, "%v", v)
	}
}

// TestConstraintWithAlternatives: a cross in place of a square.
func TestConstraintWithAlternatives(t *testing.T) {
	m, err := Parse([]byte(`{name: x, workloads: [iopath-bench], metric: iops, axes: {depth: [1, 2, 3], block: [4KiB, 8KiB, 16KiB]}, constraints: ["depth == 2 or block == 8KiB"]}`), false)
	require.NoError(t, err)
	p, err := m.Plan()
	require.NoError(t, err)
	require.Len(t, p.Cells, 5)
	_, err = parseConstraint("depth == 2 or", map[string][]string{"depth": {}})
	require.ErrorContains(t, err, `constraint "depth == 2 or": want AXIS OP`)
	_, err = parseConstraint("depth == 2 or width < 3", map[string][]string{"depth": {}})
	require.ErrorContains(t, err, `"width" is neither`)
}

// TestBuiltIn: what is embedded can be planned, in full and quick.
func TestBuiltIn(t *testing.T) {
	// Together they have to stay below 20 minutes on two cores.
	longest := map[string]time.Duration{
		"f1": 130 * time.Second, "f1l": 130 * time.Second, "f2": 200 * time.Second, "f3": 130 * time.Second, "f4": 170 * time.Second,
		"f5": 45 * time.Second, "f5l": time.Minute, "f6": 130 * time.Second, "f8": 100 * time.Second, "f9": 130 * time.Second, "f10": time.Minute,
	}
	for _, name := range workloads.MatrixNames() {
		content, err := workloads.Matrix(name)
		require.NoError(t, err)
		for _, quick := range []bool{false, true} {
			m, err := Parse(content, quick)
			require.NoError(t, err)
			p, err := m.Plan()
			require.NoError(t, err)
			if quick && has(longest, name) {
				require.Less(t, p.Estimate(nil), longest[name])
			} else if !quick && !has(sims, m.Workloads[0]) { // which come out the same each time
				require.GreaterOrEqual(t, m.Repeats, 5)
			}
		}
	}
	_, err := workloads.Matrix("f99")
	require.ErrorContains(t, err, "f1, f10, f1l, ")
}

func config(t *testing.T, out string) (Config, *bytes.Buffer) {
	var log bytes.Buffer
	self, err := os.Executable()
	require.NoError(t, err)
	return Config{Binary: self, Out: out, Progress: &silent{}, Logger: slog.New(slog.NewTextHandler(&log, nil))}, &log
}

// TestRun goes through a failure, a kill in the middle of a line, and resuming.
func TestRun(t *testing.T) {
	t.Setenv("TIDE_DEPTH", "99")
	p := plan(t, strings.ReplaceAll(small, "64]", "13]"))
	out := filepath.Join(t.TempDir(), "f")
	cfg, log := config(t, out)
	require.Equal(t, Progress{Left: 16, Estimate: p.Estimate(nil), Keys: map[string]bool{}}, p.Status(out))
	require.NoError(t, p.Run(t.Context(), cfg))
	require.Equal(t, []string{"small round 1 of 4", "small round 2 of 4", "small round 3 of 4", "small round 4 of 4"}, cfg.Progress.(*silent).steps)
	require.NoDirExists(t, cfg.dataDir())

	run, err := results.LoadMatrix(out)
	require.NoError(t, err)
	require.Len(t, run.Trials, 16)
	require.Len(t, run.Cells(), 2)
	require.Len(t, run.Failed(), 4, "one cell failed in each of four rounds")
	require.Contains(t, run.Failed()[0].Error, "exit status 1: tide: the device went away")
	require.Contains(t, log.String(), "the device went away")
	text, err := os.ReadFile(filepath.Join(out, "trials.jsonl"))
	require.NoError(t, err)
	require.NotContains(t, string(text), out, "the folder under test says nothing")
	require.Equal(t, "pwrite:WAL?capacity=1GiB", run.Cells()[0].Text("wal"))
	require.Equal(t, "dsync", run.Cells()[0].Text("durability"))
	_, ok := run.AADifference("iops")
	require.True(t, ok)
	require.Equal(t, 4, p.Status(out).Left)

	require.NoError(t, os.WriteFile(filepath.Join(out, "trials.jsonl"), text[:len(text)-20], 0o600))
	require.NoError(t, p.Run(t.Context(), cfg))
	run, err = results.LoadMatrix(out)
	require.NoError(t, err)
	require.Len(t, run.Warnings, 1, "the line that was cut short")
	require.Len(t, run.Trials, 16, "and its trial ran again")
	require.Len(t, run.Failed(), 4)
}

func TestRunOfACompleteDirectoryStartsNothing(t *testing.T) {
	p := plan(t, small)
	cfg, _ := config(t, t.TempDir())
	require.NoError(t, p.Run(t.Context(), cfg))
	cfg.Binary = "no such program"
	require.NoError(t, p.Run(t.Context(), cfg))
}

func TestRunRefusesAnotherMatrix(t *testing.T) {
	cfg, _ := config(t, t.TempDir())
	require.NoError(t, plan(t, small).Run(t.Context(), cfg))
	require.ErrorContains(t, plan(t, small+"seed: 7\n").Run(t.Context(), cfg), "holds another matrix")
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := plan(t, small)
	cfg, _ := config(t, t.TempDir())
	require.ErrorIs(t, p.Run(ctx, cfg), context.Canceled)
	require.Equal(t, 0, p.Status(cfg.Out).Done, "a trial that was stopped leaves no line")
}

func TestChildMustPrintOneObject(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	for depth, want := range map[string]string{"14": "no JSON object", "15": "more than one"} {
		_, err := runChild(t.Context(), self, []string{"iopath", "bench", "--depth", depth}, time.Minute)
		require.ErrorContains(t, err, want)
	}
	result, err := runChild(t.Context(), self, []string{"iopath", "bench", "--depth", "16"}, time.Minute)
	require.ErrorContains(t, err, "INVALID: tide: the rate was not reached")
	require.Equal(t, map[string]any{"iops": 1.0}, result, "kept, and left out of medians")
	_, err = runChild(t.Context(), self, []string{"iopath", "bench"}, time.Nanosecond)
	require.ErrorContains(t, err, "no end within 1ns")
}
