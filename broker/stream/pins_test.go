package stream

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/logcache"
)

func bigCache(t *testing.T, size int64) *logcache.Cache {
	c, err := logcache.New(logcache.Config{Size: size})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// TestSlowConsumersHoldNothing: consumers that keep what they fetched, for as
// long as a slow socket takes, while producers go round the log cache several
// times. No append waits because of them, no block stays pinned, and what they
// hold is what was there when they fetched it.
func TestSlowConsumersHoldNothing(t *testing.T) {
	r := newRig(t, 2)
	l := r.open()
	defer l.end()
	type slow struct {
		at   int64
		read *Read
	}
	var held []slow
	for i := range 8000 { // eight laps of 1 MiB
		s := l.stream(i % 2)
		l.mustAdd(s, 1, 1000)
		if i%100 == 99 {
			at := s.End() - 20
			read, err := s.Fetch(context.Background(), at, 20_000, true)
			require.NoError(t, err)
			require.Equal(t, 20_000, read.Bytes)
			held = append(held, slow{at, read})
		}
	}
	st := l.cache.Stats()
	require.Greater(t, st.Freed, 5*st.Size, "the ring went round")
	require.Zero(t, st.Pinned, "bytes of blocks that readers hold")
	require.Zero(t, st.PinnedWaits, "appends that waited for a reader")
	for i, h := range held {
		id := r.streams[1]
		for n, b := 0, h.read.Buffers; len(b) > 0; b = b[1:] {
			for part := b[0]; len(part) > 0; part, n = part[1000:], n+1 {
				require.Equal(t, payload(id, h.at+int64(n), 1000), part[:1000], "consumer %d", i)
			}
		}
		h.read.Release()
	}
}

// TestAFetchLooksOnce: whatever ends it, size, the durable end or the end of
// the cache, a fetch of what the log cache holds asks its index once.
func TestAFetchLooksOnce(t *testing.T) {
	r := newRig(t, 1)
	l := r.open()
	defer l.end()
	s := l.stream(0)
	l.mustAdd(s, 100, 1000)
	_, err := s.add(context.Background(), 1, 1000) // not durable yet
	require.NoError(t, err)
	for _, maxBytes := range []int{500, 1000, 1500, 50_000, 1 << 20} {
		before := l.cache.Stats().Lookups
		read, err := s.Fetch(context.Background(), 50, maxBytes, true)
		require.NoError(t, err)
		require.Positive(t, read.Bytes)
		read.Release()
		require.EqualValues(t, 1, l.cache.Stats().Lookups-before, "at most %d bytes", maxBytes)
	}
	l.Commit()
}
