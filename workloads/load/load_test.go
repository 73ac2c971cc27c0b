package load

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
)

func TestConfigReportsEveryFault(t *testing.T) {
	_, err := New(Config{Acks: "0", ValueSize: 8, Rate: -1, Linger: -1}, NewClock(), NewRecorder())
	require.Error(t, err)
	for _, want := range []string{"no broker", "no topic", "value size is 8", "rate is -1", "acks is \"0\"", "linger"} {
		require.ErrorContains(t, err, want)
	}
	_, err = New(Config{Brokers: []string{"x:1"}, Topic: "t", Closed: true, Rate: 5}, NewClock(), NewRecorder())
	require.ErrorContains(t, err, "a closed loop has no rate")
}

func TestConfigDefaults(t *testing.T) {
	l, err := New(Config{Brokers: []string{"x:1"}, Topic: "t", Rate: 10, Topics: 2}, NewClock(), NewRecorder())
	require.NoError(t, err)
	require.Equal(t, 32, l.plan.cells)
	require.Equal(t, time.Duration(0), l.Config().Linger)
	require.Equal(t, []string{"t-0", "t-1"}, l.Topics())
}

func TestRecorderTakesEachTimeOnce(t *testing.T) {
	r := NewRecorder()
	for i := range 10 {
		r.shard(i).produce(int64(i), 1000, 500, 10)
	}
	r.shard(3).consume(7, -1)
	got := r.Take()
	require.Equal(t, int64(10), got.Hist[results.ProduceResponse].TotalCount())
	require.Equal(t, int64(1500), got.Hist[results.ProduceResponse].Max())
	require.Equal(t, int64(1), got.Hist[results.E2EResponse].TotalCount())
	require.Equal(t, int64(1), got.Negative)
	require.Zero(t, r.Take().Hist[results.ProduceResponse].TotalCount())
}

func TestRecorderClampsAnHour(t *testing.T) {
	r := NewRecorder()
	r.shard(0).consume(2*results.HistogramHighest, 1)
	got := r.Take()
	require.Equal(t, int64(1), got.Over)
	require.Equal(t, int64(1), got.Hist[results.E2EService].TotalCount())
}
