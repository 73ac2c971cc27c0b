package bench

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/load"
	"github.com/tidelog/tide/workloads/target"
)

// breakable notes what was done to its store.
type breakable struct {
	fakeTarget
	did     []target.StoreFault
	latency time.Duration
}

func (b *breakable) BreakStore(ctx context.Context, do target.StoreFault, latency time.Duration) error {
	b.did = append(b.did, do)
	if latency > 0 {
		b.latency = latency
	}
	return ctx.Err()
}

// breakFor does a phase to a target.
func breakFor(t *testing.T, phase workloads.Phase) (b *breakable, took time.Duration, run results.Run, err error) {
	b = &breakable{}
	synctest.Test(t, func(t *testing.T) {
		tr := underway(t, b)
		tr.producers = &load.Producers{}
		begun := time.Now()
		err = tr.happen(t.Context(), step{name: phase.Do, what: happenings[phase.Do](tr, phase)}, begun.Add(phase.For))
		took = time.Since(begun)
		run = tr.closed(t)
	})
	return b, took, run, err
}

func TestStoreFaults(t *testing.T) {
	b, took, run, err := breakFor(t, workloads.Phase{Do: workloads.StoreOutage, For: 5 * time.Second})
	require.NoError(t, err)
	require.Equal(t, 5*time.Second, took)
	require.Equal(t, []target.StoreFault{target.StoreOutage, target.StoreSound}, b.did)
	require.Contains(t, run.Figures, "store-outage until level")

	b, _, _, err = breakFor(t, workloads.Phase{Do: workloads.StoreSlow, For: time.Second, StoreLatency: 3 * time.Second})
	require.NoError(t, err)
	require.Equal(t, []target.StoreFault{target.StoreSlow, target.StoreSound}, b.did)
	require.Equal(t, 3*time.Second, b.latency)
}

// TestStoreIsMendedWhateverHappens: a target that is to stop uploads first.
func TestStoreIsMendedWhateverHappens(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	b := &breakable{}
	f := &storeFault{t: &trial{target: b, load: newLoad(t), producers: &load.Producers{}, clock: load.NewClock()}, do: target.StoreOutage}
	require.ErrorIs(t, f.end(gone), context.Canceled)
	require.Equal(t, []target.StoreFault{target.StoreSound}, b.did)
}

func newLoad(t *testing.T) *load.Load {
	l, err := load.New(load.Config{Brokers: []string{"127.0.0.1:1"}, Topic: "t", Rate: 10}, load.NewClock(), load.NewRecorder())
	require.NoError(t, err)
	return l
}
