package objstore_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
)

// TestGateLetsTheUrgentIn: the places that come free go to the most urgent
// class, however long others have waited.
func TestGateLetsTheUrgentIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := objstore.NewGate(1)
		require.NoError(t, g.Enter(t.Context()))
		entered := make(chan objstore.Class, objstore.ClassCount)
		for c := objstore.ClassCount - 1; c >= 0; c-- {
			go func() {
				if g.Enter(objstore.WithClass(t.Context(), c)) == nil {
					entered <- c
				}
			}()
			synctest.Wait()
		}
		require.Equal(t, objstore.GateStats{Places: 1, InUse: 1, Waiting: int(objstore.ClassCount), Waits: int64(objstore.ClassCount)}, g.Stats())
		for c := range objstore.ClassCount {
			g.Leave()
			require.Equal(t, c, <-entered)
		}
		g.Leave()
		require.Equal(t, objstore.GateStats{Places: 1, Waits: int64(objstore.ClassCount)}, g.Stats())
	})
}

// TestGateGivesUp: who no longer waits takes no place with it.
func TestGateGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := objstore.NewGate(1)
		require.NoError(t, g.Enter(t.Context()))
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() { gone <- g.Enter(ctx) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-gone, context.Canceled)
		require.ErrorIs(t, g.Enter(ctx), context.Canceled)
		g.Leave()
		require.NoError(t, g.Enter(t.Context()))
		g.Leave()
		require.Equal(t, 0, g.Stats().InUse)
	})
}
