package matrix

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
)

// uploaded is a bucket that is written to.
type uploaded struct {
	mu    sync.Mutex
	held  memory
	order []string
	fail  string // a key that is refused
}

func (u *uploaded) Replace(_ context.Context, key string, content []byte) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if key == u.fail {
		return errors.New("refused")
	}
	u.order = append(u.order, key)
	u.held[key] = bytes.Clone(content)
	return nil
}

func (u *uploaded) Get(_ context.Context, key string) ([]byte, error) {
	if key == u.fail {
		return nil, errors.New("refused")
	}
	return u.held[key], nil
}

// TestPushTakesNobodysPlace: lines that are not here stay there, be they of
// another machine or of a run whose disk is gone.
func TestPushTakesNobodysPlace(t *testing.T) {
	to := &uploaded{held: memory{}}
	began := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	push := func(dir string, started ...time.Time) error {
		w, _, err := results.OpenMatrix(dir, results.MatrixHeader{Name: "m", Trials: 3}, results.Env{})
		require.NoError(t, err)
		for i, at := range started {
			require.NoError(t, w.Append(results.CellTrial{Cell: "c", Repeat: i + 1, Started: at}))
		}
		require.NoError(t, w.Close())
		return NewPusher(to, dir, "").Push(t.Context())
	}
	first, other := t.TempDir(), t.TempDir()
	require.NoError(t, NewPusher(to, first, "").Check(t.Context()), "neither is there yet")
	require.NoError(t, push(first, began, began.Add(time.Minute)))
	had := string(to.held[trialLines])

	require.ErrorContains(t, NewPusher(to, other, "").Check(t.Context()), "2 trials in trials.jsonl there are not in "+other)
	require.ErrorContains(t, push(other, began, began.Add(time.Hour)), "1 trials in trials.jsonl there are not in")
	require.Equal(t, had, string(to.held[trialLines]))

	require.NoError(t, push(first), "the same directory goes on")
	to.fail = trialLines
	require.ErrorContains(t, NewPusher(to, first, "").Check(t.Context()), "look for results of others before a push: refused")
	to.fail, to.held[trialLines] = "", []byte("{\n")
	require.NoError(t, push(first, began.Add(time.Hour)), "what nobody can read is nobody's")
}

// TestPush: what is pushed is fetched and merged again, trials come before their
// lines, and are not pushed twice.
func TestPush(t *testing.T) {
	dir := t.TempDir()
	h := results.MatrixHeader{Name: "m", Trials: 3, Metric: "x"}
	w, _, err := results.OpenMatrix(dir, h, results.Env{})
	require.NoError(t, err)
	add := func(repeat int, id string) {
		at := filepath.Join(dir, "trials", id)
		require.NoError(t, os.MkdirAll(filepath.Join(at, "figures"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(at, "run.json"), []byte("{}"), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(at, "figures", "a.svg"), []byte(id), 0o644))
		require.NoError(t, w.Append(results.CellTrial{Cell: "c", Repeat: repeat, Result: map[string]any{"trial": id}}))
	}
	to := &uploaded{held: memory{}, fail: "s/env.json"}
	p := NewPusher(to, dir, "s")
	add(1, "one")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "trials", "under-way"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "trials", "under-way", "run.json"), nil, 0o644))
	require.ErrorContains(t, p.Push(t.Context()), "push of env.json: refused")
	require.NotContains(t, to.held, "s/matrix.json", "the header comes last")
	to.fail = ""
	add(2, "two")
	require.NoError(t, p.Push(t.Context()))
	require.NoError(t, w.Append(results.CellTrial{Cell: "c", Repeat: 3, Result: map[string]any{"trial": "gone"}}))
	require.NoError(t, p.Push(t.Context()))
	require.NoError(t, w.Close())

	require.Equal(t, []string{
		"s/env.json", "s/matrix.json", "s/trials.jsonl",
		"s/trials/one/figures/a.svg", "s/trials/one/run.json", "s/trials/two/figures/a.svg", "s/trials/two/run.json",
	}, slices.Sorted(maps.Keys(to.held)))
	first := func(key string) int { return slices.Index(to.order, key) }
	require.Less(t, first("s/trials/one/run.json"), first("s/trials.jsonl"))
	count := 0
	for _, key := range to.order {
		if key == "s/trials/one/run.json" {
			count++
		}
	}
	require.Equal(t, 1, count, "a trial does not change any more")

	back, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	_, err = Fetch(t.Context(), to.held, back)
	require.NoError(t, err)
	found, err := results.FindMatrices(back)
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(back, "s")}, found)
	run, err := results.Merge([]results.Part{{Name: "s", Dir: found[0]}}, nil, nil, out)
	require.NoError(t, err)
	require.Len(t, run.Trials, 3)
	require.FileExists(t, filepath.Join(out, "trials", "two", "figures", "a.svg"))
}
