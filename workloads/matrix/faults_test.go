package matrix

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
)

// TestOneFaultHidesNoOther: keys that are unknown or of a wrong kind, what is
// there twice, and what only the quick part has, all at once.
func TestOneFaultHidesNoOther(t *testing.T) {
	_, err := Prepare(t.Context(), []byte(`
axis: {a: [b]}
repeats: many
workloads: [tail-2k, tail-2k, no-such]
targets: [tide, tide, martian]
axes: {policy: [lru]}
quick: {workloads: [iopath-bench], axes: {load.seed: [1]}}
---
name: another
`), false, here(t))
	for _, want := range []string{
		"matrix cannot run:", "line 2: field axis not found", "line 3: cannot unmarshal !!str `many`", "a second document",
		`name is ""`, "workload tail-2k is there twice", `workload "no-such"`, "target tide is there twice", `target "martian"`,
		"axis policy: iopath-bench has no such setting", "axis load.seed: iopath-bench has no such setting",
	} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "matrix.Matrix")
}

// TestTwiceHidesNoConstraint: that no cell meets one is a fault beside a value
// that is there twice.
func TestTwiceHidesNoConstraint(t *testing.T) {
	_, err := Prepare(t.Context(), []byte(`
name: x
workloads: [quick-tail]
axes: {wal.path: [pwrite], wal.block: [64KiB, 64KiB]}
constraints: ["wal.block > 1GiB"]
`), false, here(t))
	require.ErrorContains(t, err, "axis wal.block has a value twice: 64KiB, 64KiB")
	require.ErrorContains(t, err, `"wal.block > 1GiB" holds for none of 1 combinations`)
}

// TestFaultsOfOneCell: a broken log, load and store are three faults, and flags
// are looked at although no cell could run.
func TestFaultsOfOneCell(t *testing.T) {
	on := here(t)
	asked := map[string]bool{}
	on.Flags = func(flags map[string]string) error {
		for _, name := range slices.Sorted(maps.Keys(flags)) {
			asked[name+"="+flags[name]] = true
		}
		if flags["block-cache"] == "banana" {
			return errors.New("block-cache is no size")
		}
		return nil
	}
	_, err := Prepare(t.Context(), []byte(`
name: x
workloads: [tail-2k]
axes: {wal.durability: [maybe, perhaps], load.colour: [red], block-cache: [banana], quick: [no]}
`), false, on)
	for want, times := range map[string]int{
		`"maybe"`: 1, `"perhaps"`: 1, "field colour not found": 1, "block-cache is no size": 1, `axis quick: "no"`: 1,
	} {
		require.Equal(t, times, strings.Count(err.Error(), want), "%s in %v", want, err)
	}
	require.True(t, asked["block-cache=banana"])
}

// TestProgressOfShards: a trial that is INVALID in one directory and good in
// another is good, as it is when the two are merged.
func TestProgressOfShards(t *testing.T) {
	p := plan(t, small)
	line := func(verdict, fault string) *results.MatrixRun {
		tr := p.Trials[0]
		return &results.MatrixRun{Trials: []results.CellTrial{{Cell: tr.Cell.ID, Repeat: tr.Repeat, AA: tr.AA, Verdict: verdict, Error: fault}}}
	}
	invalid, good := line(results.Invalid, "INVALID: late"), line(results.Valid, "")
	for _, runs := range [][]*results.MatrixRun{{invalid, good}, {good, invalid}} {
		s := p.progress(runs)
		require.Equal(t, []int{1, 0, 0}, []int{s.Done, s.Invalid, s.Failed})
	}
	require.Equal(t, 1, p.progress([]*results.MatrixRun{invalid}).Invalid)
}
