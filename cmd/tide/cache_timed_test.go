package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/cacheexp/gen"
)

const genSpec = "log?streams=2&rate=8MiB/s&backlog=64MiB&duration=10s&groups=1&catchup=2&lag=1s"

// TestCacheGenAndTimed: a trace is made, and put to prefetchers in virtual time.
func TestCacheGenAndTimed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "log")
	code, out, errs := invoke("cache", "gen", genSpec, file, "--json")
	require.Equal(t, exitDone, code, errs)
	var made struct {
		Requests int64
		Format   string
	}
	require.NoError(t, json.Unmarshal([]byte(out), &made))
	require.Equal(t, "tide", made.Format)
	require.Positive(t, made.Requests)

	sim := func(args ...string) (int, string, string) {
		return invoke(append([]string{"cache", "sim", "--trace", file, "--unit", "bytes", "--size", "0.2", "--store-model", "s3-express"}, args...)...)
	}
	code, out, errs = sim("--policy", "lru,fifo", "--prefetch", "none,fixed:2,rate", "--csv")
	require.Equal(t, exitDone, code, errs)
	lines, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 7)
	require.Equal(t, "trace,policy,prefetch,size,unit,requests,misses,miss_ratio,byte_miss_ratio,"+
		"accuracy,coverage,late,late_wait_us,pollution,over_read,gets_per_mib,usd_per_gib,p50_us,p99_us", strings.Join(lines[0], ","))
	code, again, _ := sim("--policy", "lru,fifo", "--prefetch", "none,fixed:2,rate", "--csv")
	require.Equal(t, exitDone, code)
	require.Equal(t, out, again)

	code, out, errs = sim("--prefetch", "rate", "--json")
	require.Equal(t, exitDone, code, errs)
	var got struct{ Rows []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Len(t, got.Rows, 1)
	for _, key := range lines[0] {
		require.Contains(t, got.Rows[0], key)
	}
	require.Contains(t, got.Rows[0]["simulated"], "s3-express (guesses")
	require.Greater(t, got.Rows[0]["coverage"], 0.5)

	code, _, errs = invoke("cache", "gen", genSpec+"&format=csv", file)
	require.Equal(t, exitDone, code, errs)
	code, out, errs = sim("--format", "csv", "--csv")
	require.Equal(t, exitDone, code, errs)
	require.Contains(t, out, "log,lru,none,")

	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"gen", "log?x=1", file}, exitUsage, `unknown key "x"`},
		{[]string{"gen", "zipf?requests=10", filepath.Join(dir, "no", "dir")}, exitFailed, "no such file"},
		{[]string{"sim", "--trace", file, "--prefetch", "psychic", "--store-model", "s3-express"}, exitUsage, "unknown prefetcher"},
		{[]string{"sim", "--trace", file, "--prefetch", "rate"}, exitUsage, "without a store model"},
		{[]string{"sim", "--trace", file, "--policy", "belady", "--store-model", "s3-express"}, exitUsage, "nobody knows the future"},
		{[]string{"sim", "--trace", file, "--store-model", "s4"}, exitUsage, "want one of s3-express"},
		{[]string{"sim", "--trace", file, "--store-model", "s3-express"}, exitFailed, "not a trace"},
	} {
		code, _, errs := invoke(append([]string{"cache"}, c.args...)...)
		require.Equal(t, c.code, code, "%v: %s", c.args, errs)
		require.Contains(t, errs, c.want)
	}
}

// TestUntil: a replay ends when it is told to.
func TestUntil(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	g, err := gen.New("zipf?requests=1e4")
	require.NoError(t, err)
	u := &until{ctx, g, 0}
	_, err = u.Next()
	require.NoError(t, err)
	cancel()
	for range 2000 {
		if _, err = u.Next(); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, context.Canceled)
}
