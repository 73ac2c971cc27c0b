package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/iopath"
)

// report is fio's, cut down; the note above is what version 3.33 may print.
const report = `fio: note about something
{"jobs": [{"error": 0, "write": {"iops": 2000.0, "total_ios": 1000, "runtime": 500,
"lat_ns": {"percentile": {"50.000000": 160000, "99.000000": 1400000}}},
"usr_cpu": 0.25, "sys_cpu": 9.75, "job_runtime": 2000}]}`

func TestParseFio(t *testing.T) {
	got, err := parseFio([]byte(report))
	require.NoError(t, err)
	require.Equal(t, outcome{iops: 2000, p50: 160, p99: 1400, cpu: 200}, got)
	for text, want := range map[string]string{
		"fio: failed":    "fio's report",
		`{"jobs": []}`:   "0 jobs",
		`{"jobs": [{}]}`: "want one that wrote",
		strings.Replace(report, `"error": 0`, `"error": 5`, 1): "error 5",
	} {
		_, err := parseFio([]byte(text))
		require.ErrorContains(t, err, want)
	}
}

// TestCompare checks what fio is asked for, and which of its figures counts.
func TestCompare(t *testing.T) {
	for _, c := range []struct {
		url   string
		want  []string
		ratio float64
	}{
		{"uring:a:b", []string{"--sync=dsync", "--direct=1", `--filename=a\:b`}, 1000.0 / 2000},
		{"pwrite:wal?durability=fdatasync", []string{"--fdatasync=1", "--direct=1"}, 1000.0 / 500},
		{"fsync:wal", []string{"--fdatasync=1", "--direct=0"}, 1000.0 / 500},
	} {
		spec, err := iopath.ParseURL(c.url)
		require.NoError(t, err)
		var asked [][]string
		fio := Fio{Exec: func(_ context.Context, args []string) ([]byte, error) {
			asked = append(asked, args)
			if slices.Contains(args, "--ioengine=psync") {
				return []byte(strings.Replace(report, "2000.0", "500.0", 1)), nil
			}
			return []byte(report), nil
		}}
		r := Result{IOPS: 1000, Depth: 4, Block: 16 << 10, Durability: spec.Durability, Seconds: 2.5}
		require.NoError(t, fio.Compare(t.Context(), spec, 1<<20, &r))
		require.InDelta(t, c.ratio, r.Ratio, 1e-9)
		require.InDelta(t, 2000, r.FioIOPS, 1e-9)
		require.InDelta(t, 500, r.FioPsyncIOPS, 1e-9)
		require.Len(t, asked, 2)
		for _, args := range asked {
			require.Subset(t, args, append(c.want, "--bs=16384", "--runtime=2500000us", "--offset=65536"))
		}
		require.Subset(t, asked[0], []string{"--iodepth=4", "--iodepth_batch_submit=4", "--size=983040"})
		require.Subset(t, asked[1], []string{"--numjobs=4", "--size=245760", "--offset_increment=245760"})
	}
}

func TestCompareRefuses(t *testing.T) {
	fio := Fio{Exec: func(context.Context, []string) ([]byte, error) { return nil, errors.New("gone") }}
	for _, url := range []string{"mem:", "pwrite:wal?iops=100", "pwrite:wal?rate=1MiB/s"} {
		spec, err := iopath.ParseURL(url)
		require.NoError(t, err)
		require.ErrorContains(t, fio.Compare(t.Context(), spec, 1<<20, &Result{Depth: 1, Block: 4096}), "leave model, iops and rate out")
	}
	spec, err := iopath.ParseURL("pwrite:wal")
	require.NoError(t, err)
	require.ErrorContains(t, fio.Compare(t.Context(), spec, 1<<20, &Result{Depth: 1, Block: 4096}), "gone")
}

// TestRealFio has the program itself write, for a moment, to a file.
func TestRealFio(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wal:1")
	require.NoError(t, os.WriteFile(file, make([]byte, 4<<20), 0o600))
	for _, url := range []string{"uring:", "pwrite:", "fsync:"} {
		spec, err := iopath.ParseURL(url + file)
		require.NoError(t, err)
		r := Result{IOPS: 1000, Depth: 2, Block: 4096, Durability: spec.Durability, Seconds: 0.1}
		require.NoError(t, Fio{}.Compare(t.Context(), spec, 4<<20, &r), "this test needs fio: run scripts/deps")
		require.Positive(t, r.Ratio)
		require.Positive(t, r.FioP99US)
	}
	head, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, make([]byte, Start), head[:Start], "fio stays out of the headers too")
}

func TestFioIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := execFio(t.Context(), nil)
	require.ErrorContains(t, err, "apt-get install fio")
}
