package results

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var mergedAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func header() MatrixHeader {
	return MatrixHeader{Name: "m", Seed: 1, Cells: 2, Trials: 4, Metric: "x", Plan: "abc"}
}

// part makes a directory with trials, each of which has left a directory too.
func part(t *testing.T, dir string, h MatrixHeader, env Env, trials ...CellTrial) Part {
	w, _, err := OpenMatrix(dir, h, env)
	require.NoError(t, err)
	for _, tr := range trials {
		require.NoError(t, w.Append(tr))
		if id, _ := tr.Result["trial"].(string); id != "" {
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "trials", id), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "trials", id, "run.json"), []byte("{}"), 0o644))
		}
	}
	require.NoError(t, w.Close())
	return Part{Name: filepath.Base(dir), Dir: dir}
}

func mline(cell string, repeat, second int, value float64) CellTrial {
	return CellTrial{
		Cell: cell, Repeat: repeat, Started: mergedAt.Add(time.Duration(second) * time.Second),
		Result: map[string]any{"x": value, "trial": cell + "-" + string(rune('0'+second))},
	}
}

func failing(t CellTrial, verdict string) CellTrial {
	t.Error, t.Verdict = "it failed", verdict
	return t
}

func TestMerge(t *testing.T) {
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	a := part(t, at("a"), header(), Env{Filesystem: "ext4"}, mline("c1", 1, 1, 10), failing(mline("c2", 1, 2, 99), ""))
	b := part(t, at("b"), header(), Env{Filesystem: "xfs"}, mline("c2", 1, 3, 20), mline("c1", 1, 4, 11), mline("c1", 2, 0, 12))
	other := header()
	other.Plan = "another"
	c := part(t, at("c"), other, Env{}, mline("c1", 1, 5, 1000))
	d := part(t, at("d"), header(), Env{})
	require.NoError(t, os.WriteFile(filepath.Join(at("d"), "matrix.json"), []byte("{"), 0o644))
	require.NoError(t, os.RemoveAll(filepath.Join(at("b"), "trials", "c1-0")))
	require.NoError(t, os.WriteFile(filepath.Join(at("a"), "trials.jsonl"),
		append(read(t, filepath.Join(at("a"), "trials.jsonl")), []byte(`{"cell": "c1", "rep`)...), 0o644))

	out := at("out")
	h := header()
	run, err := Merge([]Part{a, b, c, d, {Name: "e", Dir: at("e")}}, []string{"known before"}, &h, out)
	require.NoError(t, err)
	require.Len(t, run.Trials, 3)
	require.Empty(t, run.Failed(), "the good one of two lines counts")
	require.Equal(t, []string{"a", "b"}, []string{run.Sources[0].Name, run.Sources[1].Name})
	values := map[string]float64{}
	for _, tr := range run.Trials {
		values[tr.Key()], _ = tr.Number("x")
		require.Positive(t, tr.Source)
	}
	require.Equal(t, map[string]float64{"c1/1/false": 10, "c2/1/false": 20, "c1/2/false": 12}, values, "the earlier of two good ones")
	text := strings.Join(run.Warnings, "\n")
	for _, want := range []string{
		"known before", "c is of another matrix", "d is broken and left out", "e is broken and left out",
		"a: trials.jsonl line 3 is broken", "1 trials were there more than once", "b: filesystem was ext4 and is xfs",
		"b: the directory of trial c1-0 is missing",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, root, "sources are named, not their places")
	require.DirExists(t, filepath.Join(out, "trials", "c1-1"))
	require.DirExists(t, filepath.Join(out, "trials", "c2-3"))
	require.NoDirExists(t, filepath.Join(out, "trials", "c1-4"))

	again, err := LoadMatrix(out)
	require.NoError(t, err)
	require.Equal(t, run, again, "the warnings stay")
	again, err = Merge([]Part{a}, nil, &h, out)
	require.NoError(t, err, "what is only a merge may be made anew")
	require.Contains(t, again.Warnings, "an earlier merge had 1 trials that are in no part of this one: they are gone from out; name their parts as well")
	require.DirExists(t, filepath.Join(out, "trials", "c1-1"))
	require.NoDirExists(t, filepath.Join(out, "trials", "c2-3"), "no trial of this merge")
	require.NoError(t, os.Symlink(out, at("link")))
	again, err = Merge([]Part{a, {Name: "link", Dir: at("link")}}, nil, &h, out)
	require.NoError(t, err)
	require.Contains(t, again.Warnings, "link is where the merge is written, and no part of it")
	require.FileExists(t, filepath.Join(out, "trials", "c1-1", "run.json"))
	_, err = Merge([]Part{b}, nil, &h, at("a"))
	require.ErrorContains(t, err, "holds a matrix of its own")
	_, err = Merge([]Part{c, d}, nil, &h, at("none"))
	require.ErrorContains(t, err, "nothing to merge: c is of another matrix")
	require.NoDirExists(t, at("none"))
	first, err := Merge([]Part{c, a}, nil, nil, at("first"))
	require.NoError(t, err)
	require.Equal(t, "another", first.Header.Plan, "without a plan, the first one decides")
}

func read(t *testing.T, name string) []byte {
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	return content
}

func TestFindMatrices(t *testing.T) {
	root := t.TempDir()
	part(t, filepath.Join(root, "x", "shard-1"), header(), Env{}, mline("c1", 1, 1, 1))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "y"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "y", "trials.jsonl"), nil, 0o644))
	nested := filepath.Join(root, "x", "shard-1", "trials", "deep")
	part(t, nested, header(), Env{})
	found, err := FindMatrices(root)
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(root, "x", "shard-1"), filepath.Join(root, "y")}, found)
	_, err = FindMatrices(filepath.Join(root, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestOneWriter: a directory belongs to one run at a time.
func TestOneWriter(t *testing.T) {
	dir := t.TempDir()
	w, _, err := OpenMatrix(dir, header(), Env{})
	require.NoError(t, err)
	_, _, err = OpenMatrix(dir, header(), Env{})
	require.ErrorContains(t, err, "another run is writing to it")
	require.NoError(t, w.Close())
	w, _, err = OpenMatrix(dir, header(), Env{})
	require.NoError(t, err)
	require.NoError(t, w.Close())
}

// TestAADifferenceOfSeveralPairs: each cell is compared with itself.
func TestAADifferenceOfSeveralPairs(t *testing.T) {
	run := &MatrixRun{}
	for i, v := range []float64{100, 110, 5, 6, 50} {
		tr := mline([]string{"c1", "c1", "c2", "c2", "alone"}[i], 1, i, v)
		tr.AA = i%2 == 1
		run.Trials = append(run.Trials, tr)
	}
	d, ok := run.AADifference("x")
	require.True(t, ok)
	require.InDelta(t, 0.2, d, 1e-9)
	_, ok = run.AADifference("y")
	require.False(t, ok)
}

// TestMergeLeavesNothingOutside: a line whose trial is no name of a directory
// copies, and removes, nothing.
func TestMergeLeavesNothingOutside(t *testing.T) {
	root := t.TempDir()
	var lines []CellTrial
	for i, id := range []string{"..", ".", "../x", "a/b", ""} {
		tr := mline("c1", i+1, i, 1)
		tr.Result["trial"] = id
		lines = append(lines, tr)
		_, ok := tr.TrialID()
		require.False(t, ok, id)
	}
	a := part(t, filepath.Join(root, "a"), header(), Env{})
	w, _, err := OpenMatrix(a.Dir, header(), Env{})
	require.NoError(t, err)
	for _, tr := range lines {
		require.NoError(t, w.Append(tr))
	}
	require.NoError(t, w.Close())
	for _, at := range []string{a.Dir, filepath.Join(a.Dir, "trials"), root} {
		require.NoError(t, os.MkdirAll(at, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(at, "run.json"), []byte("{}"), 0o644))
	}
	out := filepath.Join(root, "out")
	h := header()
	run, err := Merge([]Part{a}, nil, &h, out)
	require.NoError(t, err)
	require.Len(t, run.Trials, len(lines))
	require.NoDirExists(t, filepath.Join(out, "trials"))
	for _, tr := range run.Trials {
		_, err := run.LoadTrial(tr)
		require.ErrorContains(t, err, "has left no directory")
	}
}
