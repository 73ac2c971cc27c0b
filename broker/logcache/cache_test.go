package logcache

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/broker/object"
)

// put reserves and fills one batch whose payload bytes tell its offset.
func put(t require.TestingT, c *Cache, stream, base int64, count int32, payload int) bool {
	b := object.RecordBatch{StreamID: stream, BaseOffset: base, Count: count, Payload: fill(base, payload)}
	if !c.Room(stream, b.EncodedSize()) {
		return false
	}
	dst := c.Reserve(stream, base, count, b.EncodedSize())
	require.Equal(t, b.EncodedSize(), len(dst))
	copy(dst, object.AppendBatch(nil, b))
	return true
}

func fill(base int64, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(base*7) + byte(i)
	}
	return p
}

func newCache(t testing.TB, size int64) *Cache {
	c, err := New(Config{Size: size})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func TestReadStopsAtLimitAndSize(t *testing.T) {
	c := newCache(t, 1<<20)
	for i := range int64(10) {
		require.True(t, put(t, c, 1, i*2, 2, 100))
	}
	for _, tc := range []struct {
		name          string
		offset, limit int64
		maxBytes      int
		minOne        bool
		batches       int
		next          int64
		found         bool
	}{
		{"all", 0, 20, 1 << 20, false, 10, 20, true},
		{"inside a batch gives the whole batch", 3, 20, 1 << 20, false, 9, 20, true},
		{"the durable end cuts", 0, 7, 1 << 20, false, 3, 6, true},
		{"nothing is durable yet", 0, 1, 1 << 20, true, 0, 0, true},
		{"size cuts", 0, 20, 250, false, 2, 4, true},
		{"at least one", 4, 20, 10, true, 1, 6, true},
		{"too small without it", 4, 20, 10, false, 0, 4, true},
		{"beyond", 20, 40, 1000, true, 0, 20, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sp := c.Read(1, tc.offset, tc.limit, tc.maxBytes, tc.minOne)
			require.Equal(t, tc.found, sp.Found)
			require.Len(t, sp.Payloads, tc.batches)
			require.Equal(t, tc.next, sp.Next)
			for i, p := range sp.Payloads {
				require.Equal(t, fill(tc.offset/2*2+int64(2*i), 100), p)
			}
			for _, b := range sp.Pinned {
				b.Release()
			}
		})
	}
	require.False(t, c.Read(2, 0, 10, 1000, true).Found, "another stream")
}

func TestBlocksAreFreedInOrderAndOnlyWhenCommitted(t *testing.T) {
	c := newCache(t, 64<<10)
	fillBlock := func(base int64) *Block {
		for i := range int64(10) {
			require.True(t, put(t, c, 1, base+i, 1, 2000))
		}
		return c.Seal()
	}
	a, b := fillBlock(0), fillBlock(10)
	require.Nil(t, c.Seal(), "an empty block")
	require.EqualValues(t, 31, fillUp(t, c, 20), "31 batches of 2033 bytes and their index fill 64 KiB")

	c.Committed(b)
	require.False(t, c.Room(1, 3000), "the oldest block is not committed, so nothing goes")
	c.Committed(a)
	pinned := c.Read(1, 0, 20, 1, true)
	require.Len(t, pinned.Pinned, 1)
	require.False(t, c.Room(1, 3000), "a reader holds the oldest block")
	require.Equal(t, fill(0, 2000), pinned.Payloads[0])
	pinned.Pinned[0].Release()
	require.True(t, c.Room(1, 3000))
	require.False(t, c.Read(1, 0, 20, 1, true).Found)
	require.True(t, c.Read(1, 10, 20, 1, true).Found)
}

// fillUp puts until the cache is full and returns the next offset.
func fillUp(t *testing.T, c *Cache, base int64) int64 {
	for put(t, c, 1, base, 1, 2000) {
		base++
	}
	return base
}

func TestDropKeepsWhatIsNotCommitted(t *testing.T) {
	c := newCache(t, 64<<10)
	put(t, c, 1, 0, 1, 100)
	done := c.Seal()
	put(t, c, 1, 1, 1, 100)
	waiting := c.Seal()
	put(t, c, 1, 2, 1, 100)
	c.Committed(done)
	require.EqualValues(t, runSize+chunkSize+firstEntries*entrySize+133, c.Drop())
	require.Zero(t, c.Drop())
	require.False(t, c.Read(1, 0, 3, 1, true).Found)
	sp := c.Read(1, 1, 3, 1<<20, true)
	require.Len(t, sp.Payloads, 2)
	require.Len(t, sp.Pinned, 2, "one pin a block")
	for _, b := range sp.Pinned {
		b.Release()
	}
	require.Equal(t, []int64{1}, waiting.Streams())
}

// A small broker's blocks are bounded in number, since none of them is ever
// freed for want of room.
func TestManySmallBlocks(t *testing.T) {
	c := newCache(t, 4<<20)
	for i := range int64(3 * maxBlocks) {
		require.True(t, put(t, c, 1, i, 1, 10))
		b := c.Seal()
		require.Equal(t, []int64{1}, b.Streams())
		c.Committed(b)
	}
	require.True(t, put(t, c, 1, 3*maxBlocks, 1, 10))
	require.EqualValues(t, maxBlocks+1, c.Stats().Blocks)
	sp := c.Read(1, 2*maxBlocks, 3*maxBlocks+1, 1<<20, true)
	require.Len(t, sp.Payloads, maxBlocks+1)
	require.EqualValues(t, sp.Next, 3*maxBlocks+1)
	for _, b := range sp.Pinned {
		b.Release()
	}
}

// The index of tiny batches of many streams is ring memory: the Go heap gets
// nothing of it.
func TestTinyBatchesCostNoHeap(t *testing.T) {
	const streams, size = 5000, 8 << 20
	c := newCache(t, size)
	next := make([]int64, streams)
	tiny := func() {
		for i := range next {
			n := object.BatchHeaderSize + 61
			for !c.Room(int64(i), n) {
				c.Committed(c.Seal())
			}
			c.Reserve(int64(i), next[i], 1, n)
			next[i]++
		}
	}
	for range 10 {
		tiny()
	}
	// What is left is a Block each time the ring is full, and what its uploader
	// asked for.
	require.Less(t, testing.AllocsPerRun(20, tiny), 50.0, "for 5000 batches")
	st := c.Stats()
	require.Greater(t, st.Index, st.Active/8, "it is accounted for: %+v", st)
	require.LessOrEqual(t, st.Active+st.Sealed+st.Committed, st.Size)
}

func TestSizeFor(t *testing.T) {
	for _, n := range []int{40 << 10, 300_033, 5 << 20, 200 << 20} {
		size := SizeFor(n)
		require.GreaterOrEqual(t, maxBatch(size), n)
		require.Less(t, maxBatch(size-64), n)
	}
}

// TestResident: memory that blocks have given up is not given back.
func TestResident(t *testing.T) {
	c := newCache(t, 64<<10)
	require.Zero(t, c.Stats().Resident)
	require.True(t, put(t, c, 1, 0, 1, 1000))
	c.Committed(c.Seal())
	held := c.Stats().Committed
	c.Drop()
	require.Zero(t, c.Stats().Committed)
	require.Equal(t, held, c.Stats().Resident)
	for i := range int64(200) {
		for !put(t, c, 1, 1+i, 1, 1000) {
			c.Committed(c.Seal())
		}
	}
	require.Equal(t, c.Stats().Size, c.Stats().Resident, "the ring has gone round")
}

func TestReserveWithoutRoomPanics(t *testing.T) {
	c := newCache(t, 64<<10)
	fillUp(t, c, 0)
	require.Panics(t, func() { c.Reserve(1, 99, 1, 3000) })
}

// TestCloseUnderALateReader: what is pinned can be read to the end.
func TestCloseUnderALateReader(t *testing.T) {
	c, err := New(Config{Size: 64 << 10})
	require.NoError(t, err)
	for i := range int64(2) {
		require.True(t, put(t, c, 1, i, 1, 100))
		c.Seal()
	}
	sp := c.Read(1, 0, 2, 1000, true)
	require.Len(t, sp.Pinned, 2)
	require.NoError(t, c.Close())
	require.False(t, c.Read(1, 0, 2, 1000, true).Found)
	sp.Pinned[0].Release()
	require.Equal(t, fill(1, 100), sp.Payloads[1])
	sp.Pinned[1].Release()
	require.Nil(t, c.mem)
	require.NoError(t, c.Close())
}

// TestSealBetweenRoomAndReserve: the engine seals after it has asked for room,
// and the batch then begins a run that it would not have needed.
func TestSealBetweenRoomAndReserve(t *testing.T) {
	const size = 64 << 10
	taken := 0
	for left := range 400 {
		c := newCache(t, size)
		require.True(t, put(t, c, 1, 0, 1, 30_000))
		require.True(t, put(t, c, 1, 1, 1, 30_000))
		n := int(size - c.head - int64(left))
		if c.Room(1, n) {
			c.Seal()
			require.Len(t, c.Reserve(1, 2, 1, n), n)
			taken++
		}
	}
	require.Positive(t, taken)
	require.Less(t, taken, 400, "some would fit without a seal only")
}

// TestAgainstModel compares the cache with a plain list of batches over random
// series of puts, seals, commits and reads.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, err := New(Config{Size: 64 << 10})
		require.NoError(rt, err)
		defer c.Close()
		type batch struct {
			stream, base int64
			n            int
		}
		var sealed []*Block
		kept := map[int64][]batch{} // by stream, since the oldest that is not committed
		next := map[int64]int64{}
		uncommitted := [][]batch{{}}                  // by block, the last is active
		all := func(rt *rapid.T, s int64, from int) { // one read that goes over all blocks
			sp := c.Read(s, kept[s][from].base, next[s], 1<<30, true)
			require.False(rt, sp.Enough)
			require.Len(rt, sp.Payloads, len(kept[s])-from)
			for i, p := range sp.Payloads {
				require.Equal(rt, fill(kept[s][from+i].base, kept[s][from+i].n), p)
			}
			for _, b := range sp.Pinned {
				b.Release()
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"put": func(rt *rapid.T) {
				s := rapid.Int64Range(1, 3).Draw(rt, "stream")
				n := rapid.OneOf(rapid.IntRange(1, 60), rapid.IntRange(1, 9000)).Draw(rt, "bytes")
				if put(rt, c, s, next[s], 1, n) {
					b := batch{s, next[s], n}
					kept[s] = append(kept[s], b)
					uncommitted[len(uncommitted)-1] = append(uncommitted[len(uncommitted)-1], b)
					next[s]++
				}
			},
			"seal": func(*rapid.T) {
				if b := c.Seal(); b != nil {
					sealed = append(sealed, b)
					uncommitted = append(uncommitted, nil)
				}
			},
			"commit": func(*rapid.T) {
				if len(sealed) > 0 {
					c.Committed(sealed[0])
					for _, b := range uncommitted[0] { // from now on they may go
						kept[b.stream] = kept[b.stream][1:]
					}
					sealed, uncommitted = sealed[1:], uncommitted[1:]
				}
			},
			"": func(rt *rapid.T) {
				for _, block := range uncommitted {
					for _, b := range block {
						sp := c.Read(b.stream, b.base, next[b.stream], 1, true)
						require.True(rt, sp.Found, "stream %d offset %d is not committed and must be there", b.stream, b.base)
						require.Equal(rt, fill(b.base, b.n), sp.Payloads[0])
						sp.Pinned[0].Release()
					}
				}
				for s, batches := range kept {
					if len(batches) > 0 {
						all(rt, s, rapid.IntRange(0, len(batches)-1).Draw(rt, "from"))
					}
				}
				st := c.Stats()
				require.Zero(rt, st.Pinned)
				require.LessOrEqual(rt, st.Active+st.Sealed+st.Committed, st.Size)
			},
		})
	})
}

func BenchmarkPutRead(b *testing.B) {
	for _, n := range []int{1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("bytes=%d", n), func(b *testing.B) {
			c := newCache(b, 64<<20)
			src := make([]byte, n)
			b.SetBytes(int64(n))
			var base int64
			for b.Loop() {
				if !c.Room(1, n) {
					c.Committed(c.Seal())
					continue
				}
				copy(c.Reserve(1, base, 1, n), src)
				base++
				sp := c.Read(1, base-1-rand.Int64N(min(base, 100)), base, n, true)
				for _, p := range sp.Pinned {
					p.Release()
				}
			}
		})
	}
}
