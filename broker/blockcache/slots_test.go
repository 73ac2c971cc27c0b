package blockcache

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestClasses: slots grow with the size, waste at most an eighth beyond eight
// pages, and each class has one slot size.
func TestClasses(t *testing.T) {
	s := newSlots(1 << 30)
	sizeOf, last := map[int]int{}, 0
	for n := 1; n < 64<<20; n += 1 + n/50 {
		at, size := s.classOf(n)
		require.GreaterOrEqual(t, size, n)
		require.Less(t, size-n, max(s.page, n/8+s.page), "%d bytes in a slot of %d", n, size)
		require.GreaterOrEqual(t, size, last)
		if known, ok := sizeOf[at]; ok {
			require.Equal(t, known, size)
		}
		again, same := s.classOf(size)
		require.Equal(t, []int{at, size}, []int{again, same})
		sizeOf[at], last = size, size
	}
	require.Less(t, len(sizeOf), 130)
}

// TestPagesMoveBetweenClasses: a class that needs memory takes the pages of
// slots that others do not use, and a page that went away comes back zeroed.
func TestPagesMoveBetweenClasses(t *testing.T) {
	s := newSlots(256 << 10)
	var small [][]byte
	for range 64 {
		require.True(t, s.fits(4096, 0))
		b, err := s.take(4096)
		require.NoError(t, err)
		b[0] = 7
		small = append(small, b)
	}
	require.False(t, s.fits(1, 0))
	for _, b := range small {
		s.put(b)
	}
	require.EqualValues(t, []int64{0, 256 << 10}, []int64{s.inUse, s.resident})
	big, err := s.take(200 << 10)
	require.NoError(t, err)
	big[0] = 1
	require.LessOrEqual(t, s.resident, s.limit)
	require.EqualValues(t, cap(big), s.inUse)
	require.False(t, s.fits(60<<10, 0))
	require.True(t, s.fits(60<<10, int64(cap(big))), "what would be freed counts")
	s.put(big)
	require.NoError(t, s.unmap())
}
