package shape_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore/shape"
)

// log is what a log has counted when its writes took so long each.
type log struct{ shape.LogStats }

func (l *log) write(n int, size int64, each time.Duration) shape.LogStats {
	l.Writes += int64(n)
	l.Bytes += int64(n) * size
	l.InFlight += time.Duration(n) * each
	return l.LogStats
}

func TestYield(t *testing.T) {
	y, l := shape.NewYield(32), &log{}
	reads := 40
	look := func(times, writes int, size int64, each time.Duration) (places int) {
		for range times {
			places = y.Look(l.write(writes, size, each), reads)
		}
		return places
	}
	const small, large, quick = 4096, 256 << 10, 100 * time.Microsecond
	require.Equal(t, 32, look(100, 40, small, quick), "nothing is harmed")
	require.Equal(t, 32, look(100, 40, large, 10*quick), "large writes take longer, and that is no harm")
	require.Equal(t, 32, look(100, 40, small, quick*3/2), "noise")
	require.Equal(t, 2, look(20, 40, small, 10*quick), "writes wait for reads")
	require.Equal(t, 2, look(20, 40, small, 3*quick))
	require.Equal(t, 21, look(20, 40, small, quick), "one more a look, once the harm has passed")
	require.Equal(t, 32, look(20, 0, small, 0), "nobody writes")
	require.Equal(t, 32, look(20, 2, small, time.Second), "too few writes to tell")
	reads = 3
	require.Equal(t, 4, look(1, 40, small, quick), "hardly a read: the next ones begin with few")
	reads = 40
	require.Equal(t, 9, look(5, 40, small, quick))
	require.Equal(t, 2, look(20, 40, small, 10*quick))
	require.Equal(t, 32, look(4000, 40, small, 10*quick), "a disk that stays slow is no reason to read nothing")
}

func TestYieldOfFewPlaces(t *testing.T) {
	y, l := shape.NewYield(1), &log{}
	require.Equal(t, 1, y.Look(l.write(40, 4096, time.Millisecond), 9))
	require.Equal(t, 1, y.Look(l.write(40, 4096, time.Second), 9))
}

// TestYieldBoundsReads: fewer places hold for demand reads too, and more let in
// who waits.
func TestYieldBoundsReads(t *testing.T) {
	s := wrap(t, &slow{}, shape.Config{Reads: 8})
	s.SetReads(2)
	require.Equal(t, 2, s.Reads().Places)
	s.SetReads(8)
	require.Equal(t, 8, s.Reads().Places)
}
