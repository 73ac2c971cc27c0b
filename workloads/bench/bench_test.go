package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/target"
)

func newTrial(t *testing.T, workload string, quick bool) *trial {
	w, err := workloads.Open(workload)
	require.NoError(t, err)
	spec, err := target.ParseSpec("tide?wal=uring:")
	require.NoError(t, err)
	return &trial{cfg: Config{Workload: w, Target: spec, Quick: quick}}
}

func TestQuickShortens(t *testing.T) {
	full, quick := newTrial(t, "tail-2k", false), newTrial(t, "tail-2k", true)
	require.Equal(t, time.Minute, full.warmUp())
	require.Equal(t, 3*time.Minute, full.length())
	require.Equal(t, quickWarmUp, quick.warmUp())
	require.Equal(t, quickRun, quick.length())
	require.Equal(t, int64(256<<20), newTrial(t, "catchup-2gib", true).backlog())
	require.Equal(t, 15*time.Second, newTrial(t, "cold-blocks", false).coldFetchTime())
	require.Equal(t, 3750*time.Millisecond, newTrial(t, "cold-blocks", true).coldFetchTime())
}

func TestLoadConfigOfEveryBuiltIn(t *testing.T) {
	for _, name := range workloads.Names() {
		tr := newTrial(t, name, false)
		c, err := tr.loadConfig("127.0.0.1:1")
		require.NoError(t, err)
		require.NoError(t, c.Check())
		require.Equal(t, tr.cfg.Workload.PartitionsPerTopic, c.Groups[0].Partitions[0])
		require.Equal(t, name == "catchup-2gib" || name == "catchup-cache" || name == "cold-blocks", c.MaxRecords > 0)
	}
}

func TestNoConsumers(t *testing.T) {
	tr := newTrial(t, "tail-2k", false)
	tr.cfg.Workload.SubscriptionsPerTopic = 0
	c, err := tr.loadConfig("")
	require.NoError(t, err)
	require.Equal(t, -1, c.Groups[0].Consumers)
}

func TestID(t *testing.T) {
	tr := newTrial(t, "tail-2k", false)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	require.Equal(t, "tail-2k-tide-wal-uring-20260102-030405.006", id(tr.cfg, at))
}

// TestWhatTheTargetIsToldOfTheLoad: how much a partition will hold, and what
// topics must be created with.
func TestWhatTheTargetIsToldOfTheLoad(t *testing.T) {
	tr := newTrial(t, "catchup-2gib", false)
	require.Equal(t, int64(2<<30/16), tr.partitionBytes())
	tr = newTrial(t, "tail-2k", false)
	require.Equal(t, int64(240*2000*1024/16), tr.partitionBytes())
	c, err := tr.loadConfig("127.0.0.1:1")
	require.NoError(t, err)
	require.Empty(t, c.TopicConfig)
	tr.cfg.Target, err = target.ParseSpec("kafka-tiered")
	require.NoError(t, err)
	c, err = tr.loadConfig("127.0.0.1:1")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"remote.storage.enable": "true"}, c.TopicConfig)
}

// TestNothingToReadBack: a back-log on a target that keeps nothing is refused
// before anything is started.
func TestNothingToReadBack(t *testing.T) {
	tr := newTrial(t, "catchup-2gib", false)
	for _, on := range []string{"null", "tide?store=null:"} {
		spec, err := target.ParseSpec(on)
		require.NoError(t, err)
		_, err = Run(t.Context(), Config{Workload: tr.cfg.Workload, Target: spec})
		require.ErrorContains(t, err, "keeps no back-log")
	}
}
