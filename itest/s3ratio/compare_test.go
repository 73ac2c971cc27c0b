package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCompare: the whole of it, small. Each reading has verified every record.
func TestCompare(t *testing.T) {
	profiles := t.TempDir()
	cfg, err := parseConfig([]string{
		"--tide", built("tide"), "--versitygw", built("deps", "go", "versitygw"), "--dir", t.TempDir(),
		"--size", "24MiB", "--value", "1KiB", "--partitions", "1,3", "--repeats", "2", "--places", "4", "--get", "1MiB",
		"--broker=--block-cache 64MiB", "--profile", profiles,
	})
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, compare(t.Context(), cfg, &out), out.String())
	for _, line := range []string{"reading 1: bare ", "reading 1: tide ", "reading 2: bare ", "reading 2: tide ", " partitions: tide ÷ bare "} {
		require.Equal(t, 2, strings.Count(out.String(), line), out.String())
	}
	found, err := filepath.Glob(filepath.Join(profiles, "tide-?-?.pprof"))
	require.NoError(t, err)
	require.Len(t, found, 6, "one of each reading, the first included")
	require.Regexp(t, `[1-9]\d* GETs of \d+KiB, \d+ on demand`, out.String())
}

// TestCompareFails: a broker that does not start says why, and nothing is left.
func TestCompareFails(t *testing.T) {
	cfg, err := parseConfig([]string{
		"--tide", built("tide"), "--versitygw", built("deps", "go", "versitygw"), "--dir", t.TempDir(),
		"--size", "1MiB", "--partitions", "1", "--repeats", "1", "--broker=--policy=none-such",
	})
	require.NoError(t, err)
	require.ErrorContains(t, compare(t.Context(), cfg, &strings.Builder{}), "none-such")
	cfg.Versitygw = "/no/such/server"
	require.ErrorContains(t, compare(t.Context(), cfg, &strings.Builder{}), "scripts/deps s3 installs it")
}

func TestConfig(t *testing.T) {
	for flags, want := range map[string]string{
		"--partitions 0":    "--partitions 0: from 1 to 1024",
		"--size 1KiB":       "from 1MiB to 1TiB",
		"--value 8B":        "--value 8B: from 64B",
		"--repeats 0":       "from 1 to 1000",
		"--places 0":        "from 1 to 1024",
		"--get 1KiB":        "from 64KiB to 64MiB",
		"compare":           "unexpected argument compare",
		"--size 1 --get 64": "--get 64B",
	} {
		_, err := parseConfig(strings.Fields(flags))
		require.ErrorContains(t, err, want, flags)
	}
	c, err := parseConfig(nil)
	require.NoError(t, err)
	require.Equal(t, []int{1, 4}, c.Partitions)
}

func TestSummary(t *testing.T) {
	var out strings.Builder
	side := func(rates ...float64) (all []reading) {
		for _, r := range rates {
			all = append(all, reading{bytes: 2 << 30, rate: r, took: 2 * time.Second, server: time.Second, client: 2 * time.Second, gateway: time.Second})
		}
		return all
	}
	summarize(&out, 4, side(790, 800, 820), side(1000, 980, 1010))
	require.Contains(t, out.String(), "4 partitions, bare: median 1000 MiB/s (980 to 1010, 3 readings); CPU s per GiB: reader 0.50, client 1.00, S3 server 0.50\n")
	require.Contains(t, out.String(), "tide ÷ bare 0.80 (95 %")
	require.Contains(t, out.String(), ": reached\n")
	out.Reset()
	summarize(&out, 4, side(700), side(1000))
	require.Contains(t, out.String(), "tide ÷ bare 0.70")
	require.Contains(t, out.String(), ": not reached\n")
}
