package figures_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/figures"
)

// TestPublishedIsAsExpected: the data that the paper quotes passes what its own
// figures expect, and each expectation fails on data that some other truth would
// have left: results of one value of an axis, or one number of all results, a
// thousand times as high or as low, or without repeats.
func TestPublishedIsAsExpected(t *testing.T) {
	for _, f := range figures.OfMatrices() {
		dir := filepath.Join("..", "published", f.ID)
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("%s has no published data: %v", f.ID, err)
			continue
		}
		run, err := results.LoadMatrix(dir)
		require.NoError(t, err)
		for _, o := range f.Check(run) {
			require.NoError(t, o.Err, "%s: %s", f.ID, o.What)
			require.True(t, o.OK(), "%s: %s: %v", f.ID, o.What, o.Value)
		}
		left := slices.Clone(f.Expected) // those that have not failed yet
		for other := range otherTruths(run) {
			left = slices.DeleteFunc(left, func(e figures.Expectation) bool {
				v, err := e.Of(other)
				return !figures.Outcome{Expectation: e, Value: v, Err: err}.OK()
			})
			if len(left) == 0 {
				break
			}
		}
		for _, e := range left {
			t.Errorf("%s: nothing makes it fail: %s", f.ID, e.What)
		}
	}
}

// otherTruths are copies of a run with other results.
func otherTruths(run *results.MatrixRun) func(yield func(*results.MatrixRun) bool) {
	values, numbers := map[[2]string]bool{}, map[string]bool{}
	for _, tr := range run.Trials {
		for k, v := range traits(tr) {
			values[[2]string{k, v}] = true
		}
		for k := range tr.Result {
			numbers[k] = true
		}
	}
	return func(yield func(*results.MatrixRun) bool) {
		for _, by := range []float64{1e-3, 1e3} {
			for value := range values {
				if !yield(changed(run, by, func(tr results.CellTrial, _ string) bool { return traits(tr)[value[0]] == value[1] })) {
					return
				}
			}
			for number := range numbers {
				if !yield(changed(run, by, func(_ results.CellTrial, key string) bool { return key == number })) {
					return
				}
			}
		}
		once := *run
		once.Trials = slices.DeleteFunc(slices.Clone(run.Trials), func(tr results.CellTrial) bool { return tr.Repeat > 1 })
		yield(&once)
	}
}

// traits of a trial that tell it from others.
func traits(tr results.CellTrial) map[string]string {
	out := map[string]string{"workload": tr.Workload, "aa": strconv.FormatBool(tr.AA)}
	maps.Copy(out, tr.Settings)
	return out
}

func changed(run *results.MatrixRun, by float64, which func(tr results.CellTrial, key string) bool) *results.MatrixRun {
	out := *run
	out.Trials = slices.Clone(run.Trials)
	for i, tr := range out.Trials {
		result := maps.Clone(tr.Result)
		for k, v := range result {
			number, ok := v.(float64)
			if !ok || !which(tr, k) {
				continue
			}
			if number == 0 {
				number = 1e6 // of a count: one an append is many
			}
			result[k] = number * by
		}
		out.Trials[i].Result = result
	}
	return &out
}
