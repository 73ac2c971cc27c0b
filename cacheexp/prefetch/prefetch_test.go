package prefetch_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/cacheexp/prefetch"
)

func TestNew(t *testing.T) {
	require.Subset(t, prefetch.Names(), []string{"automq", "chunk", "fixed", "linux", "none", "rate"})
	for spec, want := range map[string]string{
		"psychic":    `unknown prefetcher "psychic" (known: automq, chunk, fixed, linux, none, rate)`,
		"":           "unknown prefetcher",
		"fixed:0":    "want fixed:N with a number of blocks from 1",
		"fixed:x":    "want fixed:N",
		"fixed:":     "nothing behind the colon",
		"fixed:9999": "from 1 to 1024",
		"automq:3":   "want automq, or automq:2024",
		"none:3":     "takes no argument",
	} {
		_, err := prefetch.New(spec)
		require.ErrorContains(t, err, want, spec)
	}
}

// read tells p of an access to block n and returns the numbers of the blocks
// it proposes.
func read(p prefetch.Prefetcher, reader prefetch.Reader, n int64) []int64 {
	s := strip{at: n, end: 20, size: 100}
	a := prefetch.Access{Reader: reader, Block: s.block(n), Start: n * 10, End: n*10 + 10}
	var out []int64
	for _, b := range p.Access(a, s, nil) {
		out = append(out, b.Position/100)
	}
	return out
}

func TestNone(t *testing.T) {
	p, err := prefetch.New("none")
	require.NoError(t, err)
	for n := range int64(5) {
		require.Empty(t, read(p, prefetch.Reader{}, n))
	}
}

func TestFixed(t *testing.T) {
	p, err := prefetch.New("fixed:3")
	require.NoError(t, err)
	a, b := prefetch.Reader{Stream: 1, ID: 1}, prefetch.Reader{Stream: 1, ID: 2}
	require.Empty(t, read(p, a, 5), "one block may be a look-up")
	require.Empty(t, read(p, a, 5), "the same block is no progress")
	require.Empty(t, read(p, b, 12))
	require.Equal(t, []int64{7, 8, 9}, read(p, a, 6), "the second of two in a row")
	require.Equal(t, []int64{7, 8, 9}, read(p, a, 6), "and once more, for what was dropped")
	require.Equal(t, []int64{14, 15, 16}, read(p, b, 13), "readers do not disturb each other")
	require.Equal(t, []int64{8, 9, 10}, read(p, a, 7))
	require.Empty(t, read(p, a, 15), "a jump ends the run")
	require.Equal(t, []int64{17, 18, 19}, read(p, a, 16))
	require.Equal(t, []int64{18, 19}, read(p, a, 17))
	require.Equal(t, []int64{19}, read(p, a, 18))
	require.Empty(t, read(p, a, 19), "nothing is known beyond the end")
}

// TestFixedForgets: readers that went away make room, the stalest first.
func TestFixedForgets(t *testing.T) {
	p, err := prefetch.New("fixed")
	require.NoError(t, err)
	const remembered = 4096
	reader := func(i int) prefetch.Reader { return prefetch.Reader{Stream: int64(i)} }
	for i := range remembered {
		read(p, reader(i), 0)
	}
	require.NotEmpty(t, read(p, reader(0), 1), "all of them are remembered")
	read(p, reader(remembered), 0) // takes the place of reader 1, the stalest now
	require.Empty(t, read(p, reader(1), 1))
	require.NotEmpty(t, read(p, reader(0), 2))
	require.NotEmpty(t, read(p, reader(remembered), 1))
	require.NotEmpty(t, read(p, reader(3), 1))
}
