package objstore_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/broker/objstore"
)

func enter(t *testing.T, g *objstore.Gate) {
	waited, err := g.Enter(t.Context())
	require.NoError(t, err)
	require.False(t, waited)
}

// TestGateLetsTheUrgentIn: the places that come free go to the most urgent
// class, however long others have waited.
func TestGateLetsTheUrgentIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := objstore.NewGate(1, objstore.Spared{})
		enter(t, g)
		entered := make(chan objstore.Class, objstore.ClassCount)
		for c := objstore.ClassCount - 1; c >= 0; c-- {
			go func() {
				if _, err := g.Enter(objstore.WithClass(t.Context(), c)); err == nil {
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
		g := objstore.NewGate(1, objstore.Spared{})
		enter(t, g)
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() {
			_, err := g.Enter(ctx)
			gone <- err
		}()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-gone, context.Canceled)
		_, err := g.Enter(ctx)
		require.ErrorIs(t, err, context.Canceled)
		g.Leave()
		enter(t, g)
		g.Leave()
		require.Equal(t, 0, g.Stats().InUse)
	})
}

// TestGateSparesPlaces: prefetching leaves one place to readers who wait, and
// who gives up holds none.
func TestGateSparesPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := objstore.NewGate(3, objstore.Spared{objstore.ClassPrefetch: 1, objstore.ClassCompaction: 1})
		ahead := objstore.WithClass(t.Context(), objstore.ClassPrefetch)
		for range 2 {
			_, err := g.Enter(ahead)
			require.NoError(t, err)
		}
		short, cancel := context.WithCancel(ahead)
		gaveUp := make(chan error)
		go func() {
			_, err := g.Enter(short)
			gaveUp <- err
		}()
		synctest.Wait()
		enter(t, g)
		require.Equal(t, objstore.GateStats{Places: 3, InUse: 3, Waiting: 1, Waits: 1}, g.Stats())
		cancel()
		require.ErrorIs(t, <-gaveUp, context.Canceled)
		for range 3 {
			g.Leave()
		}
		require.Equal(t, objstore.GateStats{Places: 3, Waits: 1}, g.Stats())
	})
}

// TestGateLetsRise: what a reader has come to wait for goes before what is read
// ahead, and takes places that those leave free.
func TestGateLetsRise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := objstore.NewGate(2, objstore.Spared{objstore.ClassPrefetch: 1, objstore.ClassCompaction: 1})
		ahead := objstore.WithClass(t.Context(), objstore.ClassPrefetch)
		urgent := make(chan struct{})
		rising := objstore.WithRising(ahead, urgent)
		require.Equal(t, objstore.ClassPrefetch, objstore.ClassOf(rising))
		_, err := g.Enter(ahead)
		require.NoError(t, err)
		entered := make(chan string, 2)
		for name, ctx := range map[string]context.Context{"ahead": ahead, "rising": rising} {
			go func() {
				if _, err := g.Enter(ctx); err == nil {
					entered <- name
				}
			}()
			synctest.Wait()
		}
		require.Equal(t, 2, g.Stats().Waiting)
		close(urgent)
		require.Equal(t, "rising", <-entered)
		require.Equal(t, objstore.ClassDemand, objstore.ClassOf(rising))
		g.Leave()
		g.Leave()
		require.Equal(t, "ahead", <-entered)
		g.Leave()
		require.Equal(t, 0, g.Stats().InUse)
	})
}

// crowd is requests on their way through a gate, each of which ends when its
// channel is closed: inside or waiting.
type crowd struct {
	gate            *objstore.Gate
	ends            []chan struct{}
	over            sync.WaitGroup
	inside, waiting atomic.Int64
}

func (c *crowd) come(class objstore.Class) {
	ctx, cancel := context.WithCancel(objstore.WithClass(context.Background(), class))
	end := make(chan struct{})
	c.ends = append(c.ends, end)
	c.over.Go(func() { <-end; cancel() })
	c.over.Go(func() {
		c.waiting.Add(1)
		_, err := c.gate.Enter(ctx)
		c.waiting.Add(-1)
		if err != nil {
			return
		}
		c.inside.Add(1)
		<-end
		c.inside.Add(-1)
		c.gate.Leave()
	})
}

func (c *crowd) end(i int) {
	close(c.ends[i])
	c.ends = slices.Delete(c.ends, i, i+1)
}

// TestGateAgainstModel: whatever comes, leaves and gives up, nobody waits for
// whom there is a place, and the accounts are right.
func TestGateAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		places := rapid.IntRange(1, 5).Draw(rt, "places")
		steps := rapid.SliceOfN(rapid.IntRange(0, 1<<20), 1, 40).Draw(rt, "steps")
		spared := objstore.Spared{objstore.ClassPrefetch: places / 4, objstore.ClassCompaction: places / 2}
		synctest.Test(t, func(t *testing.T) {
			c := crowd{gate: objstore.NewGate(places, spared)}
			for _, x := range steps {
				if n := len(c.ends); n > 0 && x%2 == 0 {
					c.end(x / 2 % n)
				} else {
					c.come(objstore.Class(x / 2 % int(objstore.ClassCount)))
				}
				synctest.Wait()
				st := c.gate.Stats()
				require.EqualValues(t, c.inside.Load(), st.InUse)
				require.EqualValues(t, c.waiting.Load(), st.Waiting)
				require.LessOrEqual(t, st.InUse, places)
				require.True(t, st.Waiting == 0 || st.InUse >= places-spared[objstore.ClassCompaction], "%+v", st)
			}
			for len(c.ends) > 0 {
				c.end(0)
			}
			c.over.Wait()
			require.Zero(t, c.gate.Stats().InUse)
		})
	})
}
