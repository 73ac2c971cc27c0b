package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestZeroIsNoDefault: on the command line, in the environment, in a file, and for a
// target of a benchmark.
func TestZeroIsNoDefault(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"broker", "--block-cache", "0"}, "--block-cache is 0"},
		{[]string{"broker", "--node-id=0", "--upload-interval=0s", "--compact-rate=0"}, "--node-id is 0"},
		{[]string{"broker", "--node-id=0", "--upload-interval=0s", "--compact-rate=0"}, "--upload-interval is 0"},
		{[]string{"broker", "--node-id=0", "--upload-interval=0s", "--compact-rate=0"}, "--compact-rate is 0"},
		{[]string{"iopath", "bench", "--wal", "mem:", "--depth", "0"}, "--depth is 0"},
		{[]string{"wal", "bench", "--wal", "mem:", "--gomaxprocs", "0"}, "--gomaxprocs is 0"},
		{[]string{"bench", "tail-2k", "--target", "tide?log-cache=0"}, "--log-cache is 0"},
	} {
		code, _, errs := invoke(c.args...)
		require.Equal(t, exitUsage, code, errs)
		require.Contains(t, errs, c.want)
	}
	file := filepath.Join(t.TempDir(), "broker.yaml")
	require.NoError(t, os.WriteFile(file, []byte("block-cache: 0\n"), 0o600))
	code, _, errs := invoke("broker", "--config", file)
	require.Equal(t, exitUsage, code, errs)
	require.Contains(t, errs, "--block-cache is 0")
	t.Setenv("TIDE_OBJECT_SPLIT", "0")
	code, _, errs = invoke("broker")
	require.Equal(t, exitUsage, code, errs)
	require.Contains(t, errs, "--object-split is 0")
}

// TestZeroThatMeansSomething passes, and so does a flag that is left out.
func TestZeroThatMeansSomething(t *testing.T) {
	for _, args := range [][]string{{}, {"--store-rate=0"}, {"--no-compact", "--no-auto-create-topics"}} {
		_, err := parseBroker(args)
		require.NoError(t, err)
	}
}
