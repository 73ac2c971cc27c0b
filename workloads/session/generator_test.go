package session

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/load"
)

// TestGeneratorsAccount: a phase says what the load itself cost and how late it
// was, and the next begins anew.
func TestGeneratorsAccount(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	defer cluster.Close()
	clock, rec := load.NewClock(), load.NewRecorder()
	l, err := load.New(load.Config{Brokers: cluster.ListenAddrs(), Topic: "t", Rate: 2000, ValueSize: 100}, clock, rec)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, l.CreateTopics(ctx))
	dir := filepath.Join(t.TempDir(), "trial")
	s, err := Open(Config{Dir: dir, Env: t.TempDir(), Clock: clock, Rec: rec, Load: l, Target: &fake{}, Run: results.Run{Workload: "w", Target: "fake"}})
	require.NoError(t, err)
	s.Begin("run", Rated)
	p, err := l.StartProducers(ctx, 1100*time.Millisecond)
	require.NoError(t, err)
	s.Producing(p)
	require.NoError(t, p.Wait(ctx))
	s.Begin("after", Unrated)
	require.NoError(t, s.Close())
	trial, err := results.Load(dir)
	require.NoError(t, err)
	run, _ := trial.Phase("run")
	require.EqualValues(t, 2200, run.Generator.Sends)
	require.Positive(t, run.Generator.CPU)
	require.Positive(t, run.Generator.ErrorP99Us)
	require.GreaterOrEqual(t, run.Generator.ErrorMaxUs, run.Generator.ErrorP99Us)
	require.Positive(t, run.Generator.ResponseP99Us)
	require.Contains(t, trial.Run.Figures, "run generator error p99")
	require.Positive(t, slices.Max(trial.Timeline.Column("generator_cpu_cores")))
	require.Positive(t, slices.Max(trial.Timeline.Column("generator_error_p99_us")))
	after, _ := trial.Phase("after")
	require.Zero(t, after.Generator.Sends)
}
