package export_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/export"
	"github.com/tidelog/tide/results/rows"
)

// FuzzExport: whatever a run.json and a line of a trials.jsonl hold, each form
// can be written and is read again by the library of its format.
func FuzzExport(f *testing.F) {
	run, err := os.ReadFile(filepath.Join("..", "published", "first", "tail-2k", "run.json"))
	require.NoError(f, err)
	f.Add(run, []byte(`{"cell":"a","repeat":1,"settings":{"x":"1"},"result":{"p99_us":1.5,"verdict":"VALID"}}`))
	f.Add([]byte(`{"workload":"-","config":{"":"","a b":"1","a.b":"2","a_b_2":"0x"},"figures":{"":{"value":1e300}},"phases":[{"name":"x-3\n"}]}`),
		[]byte(`{"result":{"":1,"µs":2,"aa_us":-1e308}}`))
	f.Fuzz(func(t *testing.T, runJSON, line []byte) {
		var trial results.Trial
		var cell results.CellTrial
		if json.Unmarshal(runJSON, &trial.Run) != nil || json.Unmarshal(line, &cell) != nil {
			return
		}
		table := rows.Table{Rows: append(rows.OfTrial(&trial), rows.OfMatrix(&results.MatrixRun{Trials: []results.CellTrial{cell}})...)}
		var text, typed, bench bytes.Buffer
		require.NoError(t, export.CSV(&text, table))
		require.NoError(t, export.Parquet(&typed, table))
		require.NoError(t, export.Bench(&bench, table))
		all, err := csv.NewReader(&text).ReadAll()
		require.NoError(t, err)
		require.Len(t, all, 1+len(table.Rows))
		file, err := parquet.OpenFile(bytes.NewReader(typed.Bytes()), int64(typed.Len()))
		require.NoError(t, err)
		require.EqualValues(t, len(table.Rows), file.NumRows())
		require.Len(t, file.Schema().Fields(), len(all[0]))
		in := benchfmt.NewReader(&bench, "x")
		for in.Scan() {
			if bad, is := in.Result().(*benchfmt.SyntaxError); is {
				require.Fail(t, "syntax", "%v in %q", bad, bench.String())
			}
		}
		require.NoError(t, in.Err())
	})
}
