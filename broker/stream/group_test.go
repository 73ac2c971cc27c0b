package stream

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGroupListsEachOnce(t *testing.T) {
	w := NewWaiter()
	g := NewGroup(w)
	members := make([]Waiter, 3)
	for i := range members {
		g.Init(&members[i], i)
	}
	require.Empty(t, g.Take())
	for _, i := range []int{2, 0, 2, 0, 2} {
		members[i].Signal()
	}
	require.Len(t, w.C, 1)
	var got []any
	for _, m := range g.Take() {
		got = append(got, m.Of)
	}
	require.Equal(t, []any{2, 0}, got)
	require.Empty(t, g.Take())
	members[0].Signal()
	require.Equal(t, []*Waiter{&members[0]}, g.Take(), "it can be signalled again")
}

// TestGroupLosesNoSignal: an owner that takes, looks and waits sees the last
// value of everything that it watches.
func TestGroupLosesNoSignal(t *testing.T) {
	const streams, steps = 8, 2000
	w := NewWaiter()
	g := NewGroup(w)
	members := make([]Waiter, streams)
	var watched [streams]waiters
	var ends [streams]Stream
	for i := range members {
		g.Init(&members[i], i)
		watched[i].add(&members[i])
	}
	var writers sync.WaitGroup
	for i := range streams {
		writers.Go(func() {
			for range steps {
				ends[i].end.Add(1)
				watched[i].signal()
			}
		})
	}
	var seen [streams]int64
	for done := 0; done < streams; {
		for _, m := range g.Take() {
			i := m.Of.(int)
			if now := ends[i].End(); now > seen[i] {
				if seen[i] = now; now == steps {
					done++
				}
			}
		}
		if done < streams {
			<-w.C // hangs when a signal was lost
		}
	}
	writers.Wait()
}

func TestTrimSignals(t *testing.T) {
	var s Stream
	w := NewWaiter()
	s.Watch(w)
	s.raiseStart(3)
	require.Len(t, w.C, 1)
	<-w.C
	s.raiseStart(2)
	require.Empty(t, w.C, "nothing has changed")
}
