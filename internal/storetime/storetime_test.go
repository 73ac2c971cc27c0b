package storetime_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/internal/storetime"
)

// TestPercentiles: what is drawn has the median and the 99th percentile that
// the preset promises, and the same seed draws the same.
func TestPercentiles(t *testing.T) {
	for _, name := range storetime.Names() {
		service, err := storetime.Preset(name)
		require.NoError(t, err)
		service.Gets, service.Puts = 0, 0
		q, again := storetime.NewQueue(service, 3), storetime.NewQueue(service, 3)
		for kind, want := range map[storetime.Kind]storetime.Latency{storetime.Read: service.Get, storetime.Write: service.Put} {
			drawn := make([]time.Duration, 20_000)
			for i := range drawn {
				drawn[i], _ = q.Arrive(0, kind, "")
				same, _ := again.Arrive(0, kind, "")
				require.Equal(t, same, drawn[i])
			}
			slices.Sort(drawn)
			require.InEpsilon(t, want.P50, drawn[len(drawn)/2], 0.03, "%s %v", name, kind)
			require.InEpsilon(t, want.P99, drawn[len(drawn)*99/100], 0.08, "%s %v", name, kind)
		}
	}
}

// TestRates: beyond the rate of a prefix the answer is 503, and prefixes do
// not share.
func TestRates(t *testing.T) {
	q := storetime.NewQueue(storetime.Service{Gets: 100, Puts: 10, PrefixBytes: 1, Burst: time.Second}, 1)
	served := func(kind storetime.Kind, key string, over time.Duration) (n int) {
		for i := range 1000 {
			if _, ok := q.Arrive(over*time.Duration(i)/1000, kind, key); ok {
				n++
			}
		}
		return n
	}
	require.InDelta(t, 300, served(storetime.Read, "a1", 2*time.Second), 2, "2 s at 100/s, and a burst of 1 s")
	require.InDelta(t, 30, served(storetime.Write, "a2", 2*time.Second), 2)
	require.InDelta(t, 300, served(storetime.Read, "b", 2*time.Second), 2)
	unlucky := storetime.NewQueue(storetime.Service{SlowDown: 0.25}, 1)
	n := 0
	for range 10_000 {
		if _, ok := unlucky.Arrive(0, storetime.Read, ""); !ok {
			n++
		}
	}
	require.InDelta(t, 2500, n, 150)
}

// TestPrice: a million GETs of a gigabyte in all.
func TestPrice(t *testing.T) {
	express, err := storetime.Preset("s3-express")
	require.NoError(t, err)
	require.InDelta(t, 0.0306, express.Price.USD(1e6, 1e9), 1e-9)
	standard, err := storetime.Preset("s3-standard")
	require.NoError(t, err)
	require.InDelta(t, 0.40, standard.Price.USD(1e6, 1e9), 1e-9)
}
