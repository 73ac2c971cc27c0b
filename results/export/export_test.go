package export_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/export"
	"github.com/tidelog/tide/results/resultstest"
	"github.com/tidelog/tide/results/rows"
)

// folder of results: two good trials, an INVALID one, a broken one, one that
// was cut short, and a matrix of two cells with an A/A pair and a failure.
func folder(t *testing.T) string {
	dir := t.TempDir()
	resultstest.Write(t, filepath.Join(dir, "a-1"))
	resultstest.Write(t, filepath.Join(dir, "a-2"))
	invalid := resultstest.Write(t, filepath.Join(dir, "invalid"))
	invalid.Verification.Lost = 1
	rewrite(t, filepath.Join(dir, "invalid", "run.json"), `"lost": 0`, `"lost": 1`)
	rewrite(t, filepath.Join(dir, "invalid", "run.json"), `"word": "VALID"`, `"word": "INVALID"`)
	resultstest.Write(t, filepath.Join(dir, "broken"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "broken", "timeline.csv"), []byte("x"), 0o644))
	resultstest.Write(t, filepath.Join(dir, "cut"))
	require.NoError(t, os.Remove(filepath.Join(dir, "cut", "run.json")))
	matrix(t, filepath.Join(dir, "m"))
	return dir
}

func rewrite(t *testing.T, path, from, to string) {
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(b), from)
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(b), from, to)), 0o644))
}

func matrix(t *testing.T, dir string) {
	w, _, err := results.OpenMatrix(dir, results.MatrixHeader{Name: "m", Cells: 2, Trials: 5, Metric: "appends_per_s"}, results.Env{})
	require.NoError(t, err)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i, line := range []results.CellTrial{
		{Cell: "c1", Repeat: 1},
		{Cell: "c1", Repeat: 1, AA: true},
		{Cell: "c1", Repeat: 2},
		{Cell: "c2", Repeat: 1},
		{Cell: "c2", Repeat: 2, Error: "exit status 1: no space left"},
	} {
		line.Workload, line.Started = "wal-bench", at
		line.Settings = map[string]string{"wal.path": "uring", "appenders": "16", "record": "1KiB"}
		if line.Error == "" {
			line.Result = map[string]any{
				"appends_per_s": 1000 + float64(i), "p99_us": 484.607, "mib_per_s": 2.5, "cpu_s_per_gib": 2.0,
				"durability": "dsync", "verdict": "VALID", "produce.response.p99": 12.5, "appenders": 16.0,
			}
		}
		require.NoError(t, w.Append(line))
	}
	require.NoError(t, w.Close())
}

func read(t *testing.T) rows.Table {
	table, err := rows.Read(folder(t))
	require.NoError(t, err)
	return table
}

// lines of a CSV as maps from the header's names.
func lines(t *testing.T, b []byte) []map[string]string {
	all, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	require.NoError(t, err)
	var out []map[string]string
	for _, l := range all[1:] {
		m := map[string]string{}
		for i, name := range all[0] {
			require.NotContains(t, m, name, "twice")
			m[name] = l[i]
		}
		out = append(out, m)
	}
	return out
}

func TestCSV(t *testing.T) {
	var buf bytes.Buffer
	require.NoError(t, export.CSV(&buf, read(t)))
	got := lines(t, buf.Bytes())
	require.Len(t, got, 3*3+2+5) // phases of three trials, two broken folders, lines of the matrix

	first := got[0]
	require.Equal(t, "a-1", first["trial"])
	require.Equal(t, "tail", first["phase"])
	require.Equal(t, "VALID", first["verdict"])
	require.Equal(t, "2026-01-02T03:04:05.000Z", first["started"])
	require.Equal(t, "1000", first["acked_per_s"])
	require.Equal(t, "8", first["acked_mib_per_s"])
	require.Equal(t, "4000", first["produce_response_count"])
	require.Equal(t, "0.8", first["figure_recovery_s"])
	require.Equal(t, "1000/s", first["config_load_rate"])
	require.Empty(t, first["caught_up_mib_per_s"], "nothing caught up: no rate")
	require.Empty(t, first["p99_us"], "of the matrix only")

	byTrial := map[string]map[string]string{}
	for _, l := range got {
		byTrial[l["trial"]] = l
	}
	require.Equal(t, "BROKEN", byTrial["broken"]["verdict"])
	require.Contains(t, byTrial["broken"]["warnings"], "timeline.csv line 1")
	require.Contains(t, byTrial["cut"]["warnings"], "cut short")
	for _, name := range []string{"acked_per_s", "closed_loop", "aa", "seed", "env_steal_percent"} {
		require.Empty(t, byTrial["cut"][name], name)
	}
	require.Equal(t, "INVALID", byTrial["invalid"]["verdict"])
	require.Equal(t, "INVALID", byTrial["c2/2/false"]["verdict"])
	require.Contains(t, byTrial["c2/2/false"]["warnings"], "no space left")
	line := byTrial["c1/1/true"]
	require.Equal(t, []string{"c1", "1", "true", "16", "1KiB", "484.607", "12.5", "dsync"}, []string{
		line["cell"], line["repeat"], line["aa"], line["config_appenders"], line["config_record"],
		line["p99_us"], line["produce_response_p99_us"], line["flush"],
	})
}

// Parquet says what CSV says, with types.
func TestParquet(t *testing.T) {
	table := read(t)
	var text, buf bytes.Buffer
	require.NoError(t, export.CSV(&text, table))
	require.NoError(t, export.Parquet(&buf, table))
	want := lines(t, text.Bytes())
	header, err := csv.NewReader(bytes.NewReader(text.Bytes())).Read()
	require.NoError(t, err)

	f, err := parquet.OpenFile(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	require.NoError(t, err)
	var names []string
	for _, field := range f.Schema().Fields() {
		names = append(names, field.Name())
	}
	require.Equal(t, header, names, "the same columns in the same order")
	warnings, ok := f.Lookup("tide.warnings")
	require.True(t, ok)
	require.Contains(t, warnings, "timeline.csv line 1")

	require.EqualValues(t, len(want), f.NumRows())
	reader := parquet.NewReader(f)
	defer reader.Close()
	all := make([]parquet.Row, len(want))
	n, _ := reader.ReadRows(all)
	require.Equal(t, len(want), n)
	for i, row := range all {
		for _, v := range row {
			name := names[v.Column()]
			require.Equal(t, want[i][name], asText(name, v), "row %d, %s", i, name)
		}
	}
}

func asText(name string, v parquet.Value) string {
	switch {
	case v.IsNull():
		return ""
	case name == "started":
		return time.UnixMilli(v.Int64()).UTC().Format("2006-01-02T15:04:05.000Z")
	case v.Kind() == parquet.Double:
		return strconv.FormatFloat(v.Double(), 'f', -1, 64)
	}
	return v.String()
}

func TestSettingsAreNumbersWhereAllAre(t *testing.T) {
	table := rows.Table{Rows: []rows.Row{
		{Settings: map[string]string{"n": "1", "f": "1", "t": "1", "load.x": "a", "load x": "b"}},
		{Settings: map[string]string{"n": "2", "f": "2.5", "t": "0x2"}},
	}}
	var buf bytes.Buffer
	require.NoError(t, export.Parquet(&buf, table))
	f, err := parquet.OpenFile(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	require.NoError(t, err)
	kinds := map[string]string{}
	for _, field := range f.Schema().Fields() {
		kinds[field.Name()] = field.Type().String()
	}
	require.Equal(t, "INT(64,true)", kinds["config_n"])
	require.Equal(t, "DOUBLE", kinds["config_f"])
	require.Equal(t, "STRING", kinds["config_t"])
	require.Contains(t, kinds, "config_load_x")
	require.Contains(t, kinds, "config_load_x_2", "two settings of one name are both there")
}

func TestBench(t *testing.T) {
	table := read(t)
	table.Rows[0].Settings = map[string]string{"broker.wal": "uring:/dev/x?block=16 KiB", "broker.policy": "fifo-2", "load.rate": "1"}
	var buf bytes.Buffer
	require.NoError(t, export.Bench(&buf, table))
	text := buf.String()
	for _, want := range []string{
		"# not below: invalid is INVALID\n", "# not below: broken is BROKEN\n", "# not below: c2/2/false is INVALID\n",
		"timeline.csv line 1", "Unit p99-ns better=lower\n", "Unit acked-B/s better=higher\n", "filesystem: ext4\n",
	} {
		require.Contains(t, text, want)
	}
	in := benchfmt.NewReader(&buf, "x")
	byName := map[string][]*benchfmt.Result{}
	for in.Scan() {
		switch rec := in.Result().(type) {
		case *benchfmt.Result:
			byName[string(rec.Name)] = append(byName[string(rec.Name)], rec.Clone())
		case *benchfmt.SyntaxError:
			require.Fail(t, "syntax", rec.Error())
		}
	}
	require.NoError(t, in.Err())
	first := byName["Demo/target=tide/policy=fifo-2/wal=uring::dev:x?block=16_KiB/phase=tail"]
	require.Len(t, first, 1)
	tail := byName["Demo/target=tide/phase=catch-up"]
	require.Len(t, tail, 2, "a line for each repeat; the INVALID one is not there")
	p99, ok := tail[0].Value("p99-sec")
	require.True(t, ok)
	require.InEpsilon(t, table.Rows[1].Values["produce_response_p99_us"]/1e6, p99, 1e-12)
	rate, ok := tail[0].Value("acked-B/s")
	require.True(t, ok)
	require.Equal(t, float64(8<<20), rate)

	cell := byName["WalBench/appenders=16/record=1KiB/wal.path=uring"]
	require.Len(t, cell, 3, "two cells of equal settings here; without the A/A arm and the failed one")
	p99, ok = cell[0].Value("p99-sec")
	require.True(t, ok)
	require.Equal(t, 12.5e-6, p99, "of the two times with this unit the one that is known")
	_, ok = cell[0].Value("appenders")
	require.False(t, ok, "a setting is no measure")
	require.Len(t, byName, 1+3+1)
}
