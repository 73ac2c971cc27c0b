package load

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
)

func TestPauseAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Readers
		r.Resume() // it was never paused
		r.gate.pass(t.Context())
		r.Pause()
		r.Pause()
		require.True(t, r.Paused())
		passed := make(chan struct{})
		go func() {
			r.gate.pass(t.Context())
			close(passed)
		}()
		synctest.Wait()
		select {
		case <-passed:
			t.Fatal("it is shut")
		default:
		}
		r.Resume()
		<-passed
		require.False(t, r.Paused())
		r.Pause()
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		r.gate.pass(gone)
	})
}

// TestFinish: a schedule that ends early is sent up to there, and no further.
func TestFinish(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	defer cluster.Close()
	l, err := New(Config{Brokers: cluster.ListenAddrs(), Topic: "t", Rate: 2000}, NewClock(), NewRecorder())
	require.NoError(t, err)
	require.NoError(t, l.CreateTopics(t.Context()))
	p, err := l.StartProducers(t.Context(), 24*time.Hour)
	require.NoError(t, err)
	for l.Counters.Acked.Load() < 100 {
		require.NoError(t, pause(t.Context()))
	}
	p.Finish()
	due := p.ScheduledBefore(math.MaxInt64)
	require.NoError(t, p.Wait(t.Context()))
	require.GreaterOrEqual(t, due, int64(100))
	require.Equal(t, due, l.Counters.Sent.Load())
	require.Equal(t, due, l.Counters.Acked.Load())
	p.Finish()
	require.Equal(t, due, p.ScheduledBefore(math.MaxInt64), "it has ended already")
}
