package session

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads/target"
)

// measured is the memory's figures of a target that was so for a second each.
func measured(t *testing.T, seconds ...fake) map[string]results.Figure {
	dir := filepath.Join(t.TempDir(), "trial")
	synctest.Test(t, func(t *testing.T) {
		f := &fake{metrics: seconds[0].metrics, usage: seconds[0].usage}
		s, _ := open(t, dir, f)
		s.Begin("run", Rated)
		for i := range seconds {
			f.set(seconds[i].metrics, seconds[i].usage)
			time.Sleep(time.Second) // the bubble's clock
			synctest.Wait()
		}
		require.NoError(t, s.Close())
	})
	trial, err := results.Load(dir)
	require.NoError(t, err)
	return trial.Run.Figures
}

// TestMemoryLessArenas: the highest of both is not of the same second, and what is
// dead for a second has no memory then.
func TestMemoryLessArenas(t *testing.T) {
	const mib = 1 << 20
	of := func(rss, log, block int64) fake {
		return fake{
			metrics: target.Metrics{metricLogCache: float64(log), metricFrames + `state="idle"}`: mib, metricBlockCache: float64(block), "tide_logcache_size_bytes": 1 << 40, `tide_logcache_bytes{state="active"}`: 1 << 40},
			usage:   target.Usage{RSS: rss, PeakRSS: 320 * mib, PeakMemory: 900 * mib},
		}
	}
	got := measured(t, of(100*mib, 9*mib, 0), of(300*mib, 199*mib, 80*mib), of(0, 0, 0), of(120*mib, 19*mib, 10*mib))
	require.Equal(t, results.Figure{Value: 280, Unit: "MiB"}, got[results.FigureArenas])
	require.Equal(t, results.Figure{Value: 90, Unit: "MiB"}, got[results.FigureRSSLess])
	require.Equal(t, results.Figure{Value: 320, Unit: "MiB"}, got[results.FigureRSS])
	require.Equal(t, results.Figure{Value: 900, Unit: "MiB"}, got[results.FigureMemory])

	got = measured(t, fake{usage: target.Usage{RSS: 50 * mib, PeakRSS: 80 * mib}})
	require.NotContains(t, got, results.FigureArenas)
	require.NotContains(t, got, results.FigureMemory)
	require.Equal(t, 80.0, got[results.FigureRSSLess].Value, "nothing is taken off a JVM")

	got = measured(t, fake{})
	require.NotContains(t, got, results.FigureRSS, "a process that is not ours")
	require.NotContains(t, got, results.FigureRSSLess)
}
