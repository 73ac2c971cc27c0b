package load

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTimedAreKeptOnRequest(t *testing.T) {
	r := NewRecorder()
	r.shard(0).produce(7, 10, 5, 0)
	require.Empty(t, r.Take().Timed)
	r.KeepTimed(true)
	r.shard(0).produce(100, 10, 5, 0)
	r.shard(1).produce(200, 1, 2, 0)
	got := r.Take()
	require.ElementsMatch(t, []Timed{{100, 15}, {200, 3}}, got.Timed)
	require.Empty(t, r.Take().Timed, "each is taken once")
	r.KeepTimed(false)
	r.shard(0).produce(300, 1, 2, 0)
	require.Empty(t, r.Take().Timed)
}

func TestTimedAreBounded(t *testing.T) {
	s := timed{keep: true, list: make([]Timed, maxTimed-1)}
	s.add(1, 1)
	s.add(2, 2)
	s.add(3, 3)
	var out Interval
	s.drain(&out)
	require.Len(t, out.Timed, maxTimed)
	require.Equal(t, int64(2), out.TimedLost)
	s.add(4, 4)
	s.drain(&out)
	require.Equal(t, int64(2), out.TimedLost, "counted once")
}
