package matrix

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/cacheexp/trace"
	"github.com/tidelog/tide/workloads"
)

// TestCacheSim: a cell is one command, its trace is made once, and its rows become
// keys.
func TestCacheSim(t *testing.T) {
	c, err := commandOf("cache-sim")
	require.NoError(t, err)
	place := filepath.Join(t.TempDir(), "cache-sim")
	settings := map[string]string{
		"trace": "log?streams=1&duration=2s&backlog=8MiB", "size": "0.1", "store-model": "s3-express",
		"policy": "lru,arc", "prefetch": "none,rate", "seed": "3",
	}
	args, err := c.args(settings, place)
	require.NoError(t, err)
	line := strings.Join(args, " ")
	require.Contains(t, line, "--policy lru,arc --prefetch none,rate --store-model s3-express --seed 3 --size 0.1 --json")
	require.NoError(t, c.prepare(settings, place))
	file := args[3]
	before, err := os.Stat(file)
	require.NoError(t, err)
	require.NoError(t, c.prepare(settings, place))
	after, err := os.Stat(file)
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after))

	alone := map[string]string{}
	for k, v := range settings {
		alone[k] = v
	}
	alone["store-model"] = "none"
	args, err = c.args(alone, place)
	require.NoError(t, err)
	require.Equal(t, file, args[3], "the same trace")
	require.Contains(t, strings.Join(args, " "), "--policy lru,arc,belady --size 0.1")
	require.NotContains(t, strings.Join(args, " "), "prefetch")
	require.Empty(t, c.simulated(alone))
	require.Equal(t, "s3-express", c.simulated(settings))

	o, err := c.outcome(map[string]any{"rows": []any{
		map[string]any{"policy": "lru", "prefetch": "none", "miss_ratio": 0.5, "unit": "bytes", "simulated": "s3-express (guesses)"},
	}}, place)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"lru/none/miss_ratio": 0.5, "simulated": "s3-express (guesses)"}, o.result)
	for _, printed := range []map[string]any{{}, {"rows": []any{3.0}}} {
		_, err = c.outcome(printed, place)
		require.Error(t, err)
	}
	delete(alone, "prefetch")
	_, err = c.args(alone, place)
	require.ErrorContains(t, err, "axis prefetch is missing")
	alone["trace"] = "psychic"
	_, err = c.args(alone, place)
	require.ErrorContains(t, err, "unknown generator")
}

// TestCacheLive: the broker records beside the trials, and what it has recorded is
// told to its policy and to the simulator.
func TestCacheLive(t *testing.T) {
	c, err := newCacheLive()
	require.NoError(t, err)
	out := t.TempDir()
	place := filepath.Join(out, "trials")
	settings := map[string]string{"policy": "lru", "prefetch": "none", "block-cache": "64KiB", "store.model": "none", "quick": "true"}
	args, err := c.args(settings, place)
	require.NoError(t, err)
	require.Contains(t, strings.Join(args, " "), "trace="+strings.ReplaceAll(filepath.Join(out, liveTrace), "/", "%2F"))
	require.NoError(t, c.prepare(settings, place))

	f, err := os.Create(traceOf(place))
	require.NoError(t, err)
	w := trace.NewWriter(f)
	ask := func(kind trace.Kind, n int64) {
		require.NoError(t, w.Write(trace.Access{
			Kind: kind, Size: 16 << 10, Pages: 4, Time: n * 1e6, Stream: 1, Reader: 1, Object: 1, Position: n * 16 << 10, Start: n, End: n + 1,
		}))
	}
	for n := range int64(8) {
		ask(trace.Miss, n)
		ask(trace.Hit, n)
	}
	require.NoError(t, w.Close())
	require.NoError(t, f.Close())
	live := c.(*cacheLive)
	got := map[string]any{}
	require.NoError(t, live.replayFrom(place, got))
	require.Equal(t, 0.5, got["live/miss_ratio"])
	require.Equal(t, 0.0, got["replay/differences"])
	require.Equal(t, 0.5, got["sim/miss_ratio"])
	require.Equal(t, 64.0, got["sim/gets_per_mib"])
	require.Equal(t, 1.0, got["sim/over_read"])

	delete(settings, "policy")
	_, err = c.args(settings, place)
	require.ErrorContains(t, err, "axis policy is missing")
}

// TestCacheMatrices: both plan.
func TestCacheMatrices(t *testing.T) {
	for _, name := range []string{"f5", "f5l"} {
		for _, quick := range []bool{false, true} {
			content, err := workloads.Matrix(name)
			require.NoError(t, err)
			m, err := Parse(content, quick)
			require.NoError(t, err)
			p, err := m.Plan()
			require.NoError(t, err)
			require.NotEmpty(t, p.Trials)
		}
	}
}
