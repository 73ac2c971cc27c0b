package spans

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHistory(t *testing.T) {
	var h History
	require.Empty(t, h.Newest())
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	a, b := h.Begin(at(1)), h.Begin(at(2))
	h.End(b, at(3), 30)
	h.End(0, at(9), 1) // never begun
	require.Equal(t, []Span{{Start: 1e9}, {Start: 2e9, End: 3e9, Bytes: 30}}, h.Newest())
	h.End(a, at(4), 10)
	require.Equal(t, Span{Start: 1e9, End: 4e9, Bytes: 10}, h.Newest()[0])
}

func TestHistoryIsBounded(t *testing.T) {
	var h History
	first := h.Begin(time.Unix(1, 0))
	for i := range Capacity {
		h.Begin(time.Unix(int64(2+i), 0))
	}
	h.End(first, time.Unix(5000, 0), 1) // its place belongs to another
	got := h.Newest()
	require.Len(t, got, Capacity)
	for i, s := range got {
		require.Equal(t, Span{Start: int64(2+i) * 1e9}, s)
	}
}
