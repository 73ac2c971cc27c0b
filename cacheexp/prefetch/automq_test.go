package prefetch_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/cacheexp/prefetch"
)

const kib = 1 << 10

// strip is a stream of blocks of one size in one object, which ends.
type strip struct {
	at, end int64
	size    int32
}

func (s strip) block(n int64) prefetch.Block {
	return prefetch.Block{Object: 1, Position: n * int64(s.size), Size: s.size}
}

func (s strip) Next(i int) (prefetch.Block, bool) {
	n := s.at + int64(i)
	return s.block(n), n < s.end
}

func (s strip) Around(first, end int64, dst []prefetch.Block) []prefetch.Block {
	for n := range s.end {
		if b := s.block(n); b.Position >= first && b.Position < end {
			dst = append(dst, b)
		}
	}
	return dst
}

// walker reads a strip and notes what was proposed.
type walker struct {
	p      prefetch.Prefetcher
	reader prefetch.Reader
	strip  strip
	known  map[int64]bool // blocks that were proposed
	room   int64
	now    int64
}

func newWalker(t require.TestingT, size int32, end int64) *walker {
	p, err := prefetch.New("automq:2024")
	require.NoError(t, err)
	return &walker{p: p, strip: strip{size: size, end: end}, known: map[int64]bool{}}
}

// read returns the numbers of the blocks proposed at an access to block n.
func (w *walker) read(n int64, change ...func(*prefetch.Access)) []int64 {
	w.strip.at = n
	a := prefetch.Access{
		Reader: w.reader, Block: w.strip.block(n), Start: n * 10, End: n*10 + 10,
		Hit: w.known[n], Room: w.room, Now: w.now,
	}
	for _, c := range change {
		c(&a)
	}
	var out []int64
	for _, b := range w.p.Access(a, w.strip, nil) {
		k := b.Position / int64(w.strip.size)
		w.known[k] = true
		out = append(out, k)
	}
	return out
}

func late(a *prefetch.Access) { a.Late = true }

// TestAutoMQ walks through the published rule: the first piece when the second
// block is read, the next one whenever the reader comes into the last one.
func TestAutoMQ(t *testing.T) {
	w := newWalker(t, 256*kib, 40)
	require.Empty(t, w.read(0), "one block may be a look-up")
	require.Empty(t, w.read(0), "the same block is no progress")
	require.Equal(t, []int64{2, 3, 4, 5}, w.read(1), "1 MiB: nothing lay ahead, so 512 KiB doubled")
	require.Empty(t, w.read(1))
	require.Equal(t, []int64{6, 7, 8, 9}, w.read(2), "into the last piece")
	for n := range int64(3) {
		require.Empty(t, w.read(3+n), "before the mark")
	}
	require.Equal(t, []int64{10, 11, 12, 13}, w.read(6), "the mark is passed")

	require.Empty(t, w.read(20), "a jump ends it")
	require.Equal(t, []int64{22, 23, 24, 25}, w.read(21), "and it starts again small")
	for n := int64(22); n < 40; n++ {
		for _, k := range w.read(n) {
			require.Less(t, k, int64(40))
		}
	}
	require.Empty(t, w.read(39), "nothing is known beyond the end")
}

// TestAutoMQGrows: a reader that waits for what is on its way gets twice as
// much ahead, once for each stretch that was asked for, up to 32 MiB.
func TestAutoMQGrows(t *testing.T) {
	w := newWalker(t, 1024*kib, 1<<20)
	w.read(0)
	var pieces []int
	for n := int64(1); n < 400; n++ {
		if got := len(w.read(n, late)); got > 0 && (len(pieces) == 0 || pieces[len(pieces)-1] != got) {
			pieces = append(pieces, got)
		}
	}
	require.Equal(t, []int{1, 2, 4, 8, 16, 32}, pieces)
}

// TestAutoMQShrinks: a block that was read ahead and is gone when it is wanted
// starts the size again.
func TestAutoMQShrinks(t *testing.T) {
	w := newWalker(t, 1024*kib, 1<<20)
	for n := range int64(100) {
		w.read(n, late)
	}
	lost := func(a *prefetch.Access) { a.Hit = false }
	n := int64(100)
	w.read(n, lost)
	for len(w.read(n)) == 0 {
		n++
	}
	w.known = map[int64]bool{}
	total := 0
	for k := n + 1; k < n+20; k++ {
		w.known[k] = true
		total = max(total, len(w.read(k)))
	}
	require.LessOrEqual(t, total, 2, "512 KiB, or 1 MiB where the end was overtaken")
}

// TestAutoMQBeginsAgain: behind a block that is gone, those that were proposed
// with it are as likely gone, so they are proposed anew: one by one each would
// cost its reader a GET.
func TestAutoMQBeginsAgain(t *testing.T) {
	w := newWalker(t, 256*kib, 1<<20)
	for n := range int64(100) {
		w.read(n, late)
	}
	require.Equal(t, []int64{101, 102}, w.read(100, func(a *prefetch.Access) { a.Hit = false }), "512 KiB")
	require.Equal(t, []int64{103, 104}, w.read(101))
}

// TestAutoMQShares: readers that are about at the same time have no more ahead
// of them together than there is room, and one that went away gives its share
// up.
func TestAutoMQShares(t *testing.T) {
	w := newWalker(t, 1024*kib, 1<<20)
	w.room = 32 << 20
	ahead := func(readers int) int {
		most := 0
		for n := range int64(200) {
			for r := range readers {
				w.reader.ID = uint64(r)
				w.now += 1e6
				most = max(most, len(w.read(n, late)))
			}
		}
		return most
	}
	require.Equal(t, 16, ahead(1), "half of the room: two pieces lie ahead")
	require.Equal(t, 4, ahead(4))
	w.now += 11e9
	require.Equal(t, 16, ahead(1))
}

// TestAutoMQProposesOnce: whatever a reader does, each block of an undisturbed
// walk is proposed at most once, in order, without gaps, and never one that
// was read already.
func TestAutoMQProposesOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const end = 200
		w := newWalker(t, int32(rapid.IntRange(1, 3000*kib).Draw(t, "size")), end)
		w.room = int64(rapid.IntRange(0, 64<<20).Draw(t, "room"))
		next := int64(2)
		for n := range int64(end) {
			for range rapid.IntRange(1, 3).Draw(t, "repeats") {
				isLate := rapid.Bool().Draw(t, "late")
				for _, k := range w.read(n, func(a *prefetch.Access) { a.Late = isLate && a.Hit }) {
					require.Equal(t, next, k, "at block %d", n)
					require.Greater(t, k, n)
					next++
				}
			}
		}
		require.EqualValues(t, end, next, "every block from the third on is read ahead")
	})
}
