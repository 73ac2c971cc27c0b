package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/cacheexp/trace"
)

func TestCacheTrace(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "trace")
	f, err := os.Create(file)
	require.NoError(t, err)
	r := trace.NewRecorder(f)
	for i, kind := range []trace.Kind{trace.Miss, trace.Hit, trace.Prefetch} {
		r.Record(trace.Access{Kind: kind, Size: 100, Time: int64(i) * 1e9, Stream: 1, Object: 1, Position: 50})
	}
	require.NoError(t, r.Close())
	require.NoError(t, f.Close())

	code, out, errs := invoke("cache", "trace", file)
	require.Equal(t, exitDone, code, errs)
	require.Contains(t, out, "accesses   2 of readers, 200 bytes, over 2s\n")
	require.Contains(t, out, "lost       0")
	code, out, _ = invoke("cache", "trace", file, "--json")
	require.Equal(t, exitDone, code)
	require.Contains(t, out, `"footprint":100`)

	converted := filepath.Join(dir, "out")
	code, out, errs = invoke("cache", "trace", file, "--to", "csv", converted)
	require.Equal(t, exitDone, code, errs)
	require.Equal(t, "2 requests\n", out)
	text, err := os.ReadFile(converted)
	require.NoError(t, err)
	require.Equal(t, "time,obj_id,obj_size\n0,1,100\n1,1,100\n", string(text))
	code, _, errs = invoke("cache", "trace", file, "--to", "oracleGeneral", converted)
	require.Equal(t, exitDone, code, errs)
	text, err = os.ReadFile(converted)
	require.NoError(t, err)
	require.Len(t, text, 2*24)

	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"cache", "trace"}, exitUsage, "<file>"},
		{[]string{"cache", "trace", file, "--to", "csv"}, exitUsage, "belong together"},
		{[]string{"cache", "trace", file, converted}, exitUsage, "belong together"},
		{[]string{"cache", "trace", file, "--to", "xml", converted}, exitUsage, "--to"},
		{[]string{"cache", "trace", file, "--to", "csv", file}, exitUsage, "is the trace itself"},
		{[]string{"cache", "trace", converted}, exitFailed, "not a trace"},
		{[]string{"cache", "trace", converted, "--to", "csv", filepath.Join(dir, "new")}, exitFailed, "not a trace"},
	} {
		code, _, errs := invoke(c.args...)
		require.Equal(t, c.code, code, "%v: %s", c.args, errs)
		require.Contains(t, errs, c.want)
	}
	require.NoFileExists(t, filepath.Join(dir, "new"))
	require.NoError(t, os.Remove(converted))
	for _, out := range []string{dir, os.DevNull} { // no file, and not to become one
		for _, args := range [][]string{{"trace", file, "--to", "csv", out}, {"gen", "zipf?requests=10", out}} {
			code, _, errs := invoke(append([]string{"cache"}, args...)...)
			require.Equal(t, exitUsage, code)
			require.Contains(t, errs, out+" is no file")
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, ".trace-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}
