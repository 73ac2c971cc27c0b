package results

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A reader never panics and never makes more of a file than its bounds allow,
// whatever the file holds; what it does accept, it accepts again when written.

func FuzzReadHlog(f *testing.F) {
	for _, name := range []string{"produce.response.hlog", "e2e.service.hlog"} {
		content, err := os.ReadFile(filepath.Join("published", "first", "tail-2k", name))
		require.NoError(f, err)
		f.Add(content[:min(len(content), 20_000)])
	}
	f.Add([]byte("#[StartTime: 1 (seconds since epoch)]\n\"StartTimestamp\"\nTag=a,1.0,1.0,1.0,HISTFAAA\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		list, line, err := readHlog(bytes.NewReader(content))
		if err != nil {
			require.LessOrEqual(t, line, 1+bytes.Count(content, []byte("\n")))
			return
		}
		require.Zero(t, line)
		sum := NewHistogram()
		for _, i := range list {
			require.Zero(t, i.Hist.AddTo(sum), "dropped by merging")
		}
	})
}

func FuzzReadTimeline(f *testing.F) {
	content, err := os.ReadFile(filepath.Join("published", "first", "tail-2k", "timeline.csv"))
	require.NoError(f, err)
	f.Add(content)
	f.Add([]byte("t_s,phase,x\n1,tail,2\n"))
	f.Add([]byte("t_s,phase,x\n1,\"ta\nil\",1e300\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, line, err := readTimeline(bytes.NewReader(content))
		if err != nil {
			require.GreaterOrEqual(t, line, 1)
			return
		}
		for _, row := range got.Rows {
			require.Len(t, row.Values, len(got.Columns))
		}
	})
}

func FuzzReadRun(f *testing.F) {
	content, err := os.ReadFile(filepath.Join("published", "first", "tail-2k", "run.json"))
	require.NoError(f, err)
	f.Add(content)
	f.Add([]byte("{\n\"phases\":[{\"start_s\":\"x\"}]}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		var run Run
		if line, err := decodeJSON(content, &run); err != nil {
			require.LessOrEqual(t, line, 1+bytes.Count(content, []byte("\n")))
			return
		}
		run.Verdict = Judge(&run)
		written, err := json.Marshal(run)
		require.NoError(t, err)
		var again Run
		_, err = decodeJSON(written, &again)
		require.NoError(t, err)
	})
}

func FuzzReadTrials(f *testing.F) {
	content, err := os.ReadFile(filepath.Join("published", "F1L", "trials.jsonl"))
	require.NoError(f, err)
	f.Add(content[:min(len(content), 8_000)])
	f.Add([]byte("{\"cell\":\"a\",\"repeat\":1}\nbroken\n{\"cell\":\"a\",\"repeat\":1,\"aa\":true,\"result\":{\"x\":1}}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		m := &MatrixRun{Dir: t.TempDir()}
		require.NoError(t, os.WriteFile(filepath.Join(m.Dir, matrixTrialsFile), content, 0o644))
		if m.readTrials() != nil {
			return
		}
		require.LessOrEqual(t, len(m.Trials)+len(m.Warnings), 1+bytes.Count(content, []byte("\n")))
		m.Cells()
		m.Failed()
	})
}
