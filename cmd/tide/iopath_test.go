package main

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIopathBenchJSON(t *testing.T) {
	code, out, errs := invoke("iopath", "bench", "--wal", "mem:?capacity=1MiB&model=io2", "--depth", "4", "--block", "8KiB",
		"--duration", "50ms", "--json")
	require.Equal(t, exitDone, code, errs)
	var r map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.EqualValues(t, 4, r["depth"])
	require.EqualValues(t, 12, r["gomaxprocs"])
	require.EqualValues(t, 8192, r["block"])
	require.Equal(t, "none", r["durability"])
	require.Contains(t, r["simulated"], "io2")
	require.Positive(t, r["iops"])
	require.Equal(t, "mem:?capacity=1MiB&durability=none&depth=4&block=8KiB,8KiB&model=io2", r["wal"])
}

func TestIopathBenchText(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wal")
	code, out, errs := invoke("iopath", "bench", "--wal", "fsync:"+file+"?capacity=4MiB&depth=2", "--duration", "50ms", "--fio")
	require.Equal(t, exitDone, code, errs)
	for _, want := range []string{"durability        fdatasync", "4KiB, 2 (GOMAXPROCS 10)", "fio psync", "ratio"} {
		require.Contains(t, out, want)
	}
	require.NotContains(t, out, "SIMULATED")
}

func TestIopathBenchUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--wal", "aio:x"}, "want uring, pwrite, fsync or mem"},
		{[]string{"--wal", "mem:", "--depth=-1"}, "want 1 to 4096"},
		{[]string{"--wal", "mem:", "--duration", "0s"}, "more than 0"},
		{[]string{"--wal", "mem:", "--fio"}, "use no mem:"},
		{[]string{"--wal", "mem:", "--block", "5000"}, "multiple of 4KiB"},
		{nil, "--wal"},
	} {
		code, out, errs := invoke(append([]string{"iopath", "bench"}, c.args...)...)
		require.Equal(t, exitUsage, code, "%v", c.args)
		require.Empty(t, out)
		require.Contains(t, errs, c.want)
	}
}
