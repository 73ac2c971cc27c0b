package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/cacheexp/replay"
)

func TestCacheSim(t *testing.T) {
	file := filepath.Join(t.TempDir(), "loop.csv")
	// Three blocks in turn: LRU of two has none when it is asked for.
	text := "time,obj_id,obj_size\n" + strings.Repeat("0,1,10\n0,2,20\n0,3,30\n", 4)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	sim := func(args ...string) (int, string, string) {
		return invoke(append([]string{"cache", "sim", "--trace", file, "--format", "csv"}, args...)...)
	}

	code, out, errs := sim("--policy", "lru,belady", "--size", "0.67,3", "--csv")
	require.Equal(t, exitDone, code, errs)
	require.Equal(t, `trace,policy,prefetch,size,unit,requests,misses,miss_ratio,byte_miss_ratio
loop.csv,lru,none,2,objects,12,12,1.000000,1.000000
loop.csv,lru,none,3,objects,12,3,0.250000,0.250000
loop.csv,belady,none,2,objects,12,7,0.583333,0.583333
loop.csv,belady,none,3,objects,12,3,0.250000,0.250000
`, out)

	code, out, errs = sim("--size", "60B,1KiB", "--unit", "bytes", "--json")
	require.Equal(t, exitDone, code, errs)
	var got struct{ Rows []replay.Row }
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Len(t, got.Rows, 2)
	require.Equal(t, replay.Row{
		Trace: "loop.csv", Policy: "lru", Prefetch: "none", Size: 60, Unit: replay.Bytes,
		Requests: 12, Misses: 3, MissRatio: 0.25, ByteMissRatio: 0.25,
	}, got.Rows[0])
	require.EqualValues(t, 1024, got.Rows[1].Size)

	code, out, _ = sim("--size", "1")
	require.Equal(t, exitDone, code)
	require.Contains(t, out, "0.250000")

	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--policy", "mru", "--size", "1,2,3"}, exitUsage, `unknown cache policy "mru" (known: 2q, arc, belady`},
		{[]string{"--size", "x"}, exitUsage, "a share of the footprint up to 1"},
		{[]string{"--size", "-1"}, exitUsage, "--size: expected"},
		{[]string{"--unit", "blocks"}, exitUsage, "--unit"},
		{[]string{"--size", "0.5,64MiB"}, exitUsage, "--size 64MiB is in bytes, and the cache is counted in objects: say --unit bytes"},
		{[]string{"--policy="}, exitUsage, "nothing to simulate"},
		{[]string{"--csv", "--json"}, exitUsage, "--csv and --json"},
		{[]string{"--size", "0.1"}, exitFailed, "less than one of the footprint's 3 objects"},
		{[]string{"--format", "tide"}, exitFailed, "loop.csv: not a trace of a block cache"},
		{[]string{"--format", "tide"}, exitFailed, "say --format csv"},
		{[]string{"--format", "tide", "--size", "2", "--store-model", "s3-express"}, exitFailed, "say --format csv"},
	} {
		code, out, errs := sim(c.args...)
		require.Equal(t, c.code, code, "%v: %s", c.args, errs)
		require.Empty(t, out)
		require.Equal(t, 1, strings.Count(errs, c.want), errs)
	}
}
