package results_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/results/resultstest"
)

func TestTrialRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trial-1")
	want := resultstest.Write(t, dir)
	got, err := results.Load(dir)
	require.NoError(t, err)
	require.Equal(t, "trial-1", got.Run.ID)
	require.Equal(t, want.Phases, got.Run.Phases)
	require.Equal(t, results.Valid, got.Run.Verdict.Word)
	require.Len(t, got.Timeline.Rows, 12)
	require.Equal(t, 8.0, got.Timeline.Column("acked_mib_per_s")[0])
	require.Nil(t, got.Timeline.Column("no such"))

	log := got.Logs[results.ProduceResponse]
	require.Len(t, log, 12)
	require.Equal(t, "tail", log[0].Phase)
	require.True(t, want.Started.Equal(log[0].Start), "%v", log[0].Start)
	require.Equal(t, time.Second, log[0].End.Sub(log[0].Start))
	require.Equal(t, int64(12*1000), got.Merged(results.ProduceResponse, "").TotalCount())
	require.Equal(t, int64(4*1000), got.Merged(results.ProduceResponse, "kill").TotalCount())
}

func TestCreateNeverOverwrites(t *testing.T) {
	dir := t.TempDir()
	resultstest.Write(t, dir)
	_, err := results.Create(dir, time.Now(), nil)
	require.ErrorContains(t, err, "holds a trial already")
}

func TestLoadNamesTheBrokenFile(t *testing.T) {
	const interval = "Tag=tail,1.000,1.000,2.000,"
	for _, c := range []struct {
		file, content string
		want          []string
	}{
		{"run.json", "{\n  \"schema\": 1,\n  \"seed\": }", []string{"run.json line 3: invalid character"}},
		{"run.json", "{\n  \"schema\": 1,\n  \"seed\": \"one\"\n}", []string{"run.json line 3", "seed"}},
		{"run.json", "", []string{"run.json line 1: unexpected end"}},
		{"env.json", `[]`, []string{"env.json line 1"}},
		{"timeline.csv", "", []string{"timeline.csv line 1: no header"}},
		{"timeline.csv", "a,b\n", []string{"timeline.csv line 1", "want t_s,phase"}},
		{"timeline.csv", "t_s,phase,x\n1,tail,2\n2,tail,notanumber\n", []string{"timeline.csv line 3: column 3 holds \"notanumber\""}},
		{"timeline.csv", "t_s,phase,x\n1,tail\n", []string{"timeline.csv line 2", "wrong number of fields"}},
		{"timeline.csv", "t_s,phase,x\n1,tail,NaN\n", []string{"timeline.csv line 2: column 3"}},
		{"produce.service.hlog", "# x\n" + interval + "HISTbroken\n", []string{"produce.service.hlog line 2"}},
		{"produce.service.hlog", "# x\n# y\n" + interval + "\n", []string{"produce.service.hlog line 3: neither a comment"}},
		{"produce.service.hlog", "", []string{"produce.service.hlog: the file is empty"}},
		{"produce.service.hlog", "# x\n1.0,1.", []string{"produce.service.hlog line 2: neither a comment"}},
		{"produce.service.hlog", "#" + strings.Repeat("x", 1<<20) + "\n", []string{"produce.service.hlog line 1: has more than 1024 KiB"}},
	} {
		dir := t.TempDir()
		resultstest.Write(t, dir)
		require.NoError(t, os.WriteFile(filepath.Join(dir, c.file), []byte(c.content), 0o644))
		_, err := results.Load(dir)
		for _, want := range append(c.want, "restore the file from a copy") {
			require.ErrorContains(t, err, want, "%.80q", c.content)
		}
		require.NotContains(t, err.Error(), "\n", "one line")
	}
	for _, file := range []string{"env.json", "timeline.csv", "produce.response.hlog"} {
		dir := t.TempDir()
		resultstest.Write(t, dir)
		require.NoError(t, os.Remove(filepath.Join(dir, file)))
		_, err := results.Load(dir)
		require.ErrorContains(t, err, file+": the file is missing; restore the file from a copy")
	}
	_, err := results.Load(t.TempDir())
	require.ErrorContains(t, err, "not a finished trial")
}

// TestLoadMissesLines: a log that was cut between two lines is not taken for
// whole.
func TestLoadMissesLines(t *testing.T) {
	dir := t.TempDir()
	w, err := results.Create(dir, resultstest.Started, nil)
	require.NoError(t, err)
	hs := results.NewHistograms()
	require.NoError(t, hs[results.ProduceResponse].RecordValue(1000))
	for i := range 3 {
		at := resultstest.Started.Add(time.Duration(i) * time.Second)
		require.NoError(t, w.Interval(at, at.Add(time.Second), "run", hs))
	}
	require.NoError(t, w.Finish(&results.Run{Counters: map[string]int64{"load.acked": 3}}, &results.Env{}))
	_, err = results.Load(dir)
	require.NoError(t, err)
	path := filepath.Join(dir, "produce.response.hlog")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.SplitAfter(strings.TrimSpace(string(content)), "\n")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines[:len(lines)-1], "")), 0o644))
	_, err = results.Load(dir)
	require.ErrorContains(t, err, "it holds the times of 2 records, and 3 were acknowledged; restore")
}

func TestLoadRefusesOtherSchema(t *testing.T) {
	dir := t.TempDir()
	resultstest.Write(t, dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "run.json"), []byte(`{"schema":99}`), 0o644))
	_, err := results.Load(dir)
	require.ErrorContains(t, err, "schema 99")
}

func TestJudge(t *testing.T) {
	good := func() results.Run {
		return results.Run{
			Phases:       []results.Phase{{Name: "tail", End: 1, RateChecked: true, Scheduled: 1000, Acked: 990}},
			Verification: results.Verification{Done: true, Records: 990, Expected: 990},
		}
	}
	cases := []struct {
		name string
		bend func(*results.Run)
		word string
		why  string
	}{
		{"just reached", func(*results.Run) {}, results.Valid, ""},
		{"quick", func(r *results.Run) { r.Quick = true }, results.Quick, ""},
		{"rate missed", func(r *results.Run) { r.Phases[0].Acked = 989 }, results.Invalid, "989 of 1000"},
		{"rate not checked", func(r *results.Run) { r.Phases[0].Acked, r.Phases[0].RateChecked = 1, false }, results.Valid, ""},
		{"closed loop", func(r *results.Run) { r.Phases[0].Closed, r.Phases[0].Scheduled = true, 5000 }, results.Valid, ""},
		{"lost", func(r *results.Run) { r.Verification.Lost = 1 }, results.Invalid, "1 lost"},
		{"duplicated", func(r *results.Run) { r.Verification.Duplicates = 2 }, results.Invalid, "2 duplicated"},
		{"reordered", func(r *results.Run) { r.Verification.Reordered = 3 }, results.Invalid, "3 reordered"},
		{"redelivered", func(r *results.Run) { r.Verification.Redelivered = 3 }, results.Valid, ""},
		{"gave up", func(r *results.Run) { r.Verification.Overflow = true }, results.Invalid, "gave up"},
		{"few unknown", func(r *results.Run) { r.Verification.Unknown = 5 }, results.Valid, ""},
		{"many unknown", func(r *results.Run) { r.Verification.Unknown = 50 }, results.Invalid, "without an answer"},
		{"not read back", func(r *results.Run) {
			r.Verification = results.Verification{}
			r.Counters = map[string]int64{"load.sent": 1000, "load.acked": 990, "load.failed": 10}
		}, results.Valid, ""},
		{"not read back, refused", func(r *results.Run) {
			r.Verification = results.Verification{}
			r.Counters = map[string]int64{"load.sent": 1000, "load.acked": 989, "load.failed": 11}
		}, results.Invalid, "11 were sent without an answer"},
		{"closed loop, all refused", func(r *results.Run) {
			r.Verification, r.Phases[0].Closed = results.Verification{}, true
			r.Counters = map[string]int64{"load.sent": 0, "load.acked": 0}
		}, results.Invalid, "0 records were acknowledged"},
		{"nothing", func(r *results.Run) { r.Verification = results.Verification{Done: true} }, results.Invalid, "0 records"},
		{"clock", func(r *results.Run) { r.Clock.Negative = 1 }, results.Invalid, "clock check"},
		{"fault", func(r *results.Run) { r.Faults = []results.Finding{{What: "cold reads were warm"}} }, results.Invalid, "warm"},
		{"invalid beats quick", func(r *results.Run) { r.Quick, r.Verification.Lost = true, 1 }, results.Invalid, "lost"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := good()
			c.bend(&r)
			v := results.Judge(&r)
			require.Equal(t, c.word, v.Word)
			if c.why != "" {
				require.Contains(t, v.Reasons[0].What, c.why)
			}
		})
	}
}

func TestReadEnv(t *testing.T) {
	e := results.ReadEnv(t.TempDir())
	require.NotEmpty(t, e.Kernel.Release)
	require.Positive(t, e.CPU.Cores)
	require.Equal(t, 0.0, results.ReadCPUTicks().StealPercent(results.ReadCPUTicks()))
}
