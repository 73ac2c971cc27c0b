package blockcache_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/cacheexp/trace"
)

// tape is a Recorder that keeps everything. The cache's lock guards it.
type tape []trace.Access

func (p *tape) Record(a trace.Access) { *p = append(*p, a) }

func TestRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, 1, 3, 4*kib)
		ahead, err := prefetch.New("fixed:1")
		require.NoError(t, err)
		var got tape
		c := w.open(t, blockcache.Config{Prefetch: ahead, Recorder: &got, Clock: func() int64 { return 77 }})
		for range 2 {
			_, err := c.Index(t.Context(), w.objects[0].ref)
			require.NoError(t, err)
		}
		for n := range 3 {
			r := w.request(0, n)
			r.Reader, r.Following = 5, refs(w, 1)
			b, err := c.Get(t.Context(), r)
			require.NoError(t, err)
			b.Release()
			synctest.Wait()
		}
		index, next, x := w.objects[0].ref, w.objects[1].ref, w.objects[0].index
		of := func(kind trace.Kind, n int, reader uint64) trace.Access {
			return trace.Access{
				Kind: kind, Size: x[n].Size, Time: 77, Stream: 1, Reader: reader, Position: x[n].Position,
				Start: int64(n) * 10, End: int64(n)*10 + 10, Pages: 2, // of 4 KiB and its headers
			}
		}
		indexOf := func(kind trace.Kind, ref blockcache.ObjectRef) trace.Access {
			return trace.Access{Kind: kind, Size: ref.IndexLength, Time: 77, Object: ref.ID, Position: ref.IndexPosition}
		}
		require.Equal(t, tape{
			indexOf(trace.IndexMiss, index), indexOf(trace.IndexHit, index),
			of(trace.Miss, 0, 5), of(trace.Miss, 1, 5), of(trace.Prefetch, 2, 0), of(trace.Hit, 2, 5),
			indexOf(trace.IndexPrefetch, next),
		}, got)
		s := c.Stats()
		require.EqualValues(t, index.IndexLength+next.IndexLength, s.IndexLoadedBytes)
	})
}

// A block that is larger than the cache is read past it, and is an access too.
func TestRecorderOfLargeBlocks(t *testing.T) {
	w := newWorld(t, 1, 1, 1, 512*kib)
	var got tape
	c := w.open(t, blockcache.Config{Size: 64 * kib, PinnedSize: 64 * kib, Recorder: &got})
	w.read(t, c, 0, 0)
	require.Len(t, got, 1)
	require.Equal(t, trace.Miss, got[0].Kind)
}
