package objstore_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/fault"
	"github.com/tidelog/tide/broker/objstore/mem"
)

// TestAs looks through any number of wrappers, and stops at the end.
func TestAs(t *testing.T) {
	inner := mem.New()
	s := objstore.Counted(fault.Wrap(objstore.Counted(inner)))
	found, ok := objstore.As[*mem.Store](s)
	require.True(t, ok)
	require.Same(t, inner, found)
	outermost, ok := objstore.As[*objstore.CountedStore](s)
	require.True(t, ok)
	require.Same(t, s, outermost)
	_, ok = objstore.As[objstore.Attempter](s)
	require.False(t, ok)
}

func TestAttempts(t *testing.T) {
	var a objstore.Attempts
	a.Add(false)
	a.Add(true)
	a.Throttled()
	require.Equal(t, objstore.AttemptStats{Op: "x", Attempts: 2, Retries: 1, Throttles: 1}, a.Stats("x"))
}

// TestCalls: after Close nobody begins, and Wait is for those who had.
func TestCalls(t *testing.T) {
	var c objstore.Calls
	require.True(t, c.Begin())
	require.True(t, c.Close())
	require.False(t, c.Close())
	require.False(t, c.Begin())
	c.End()
	c.Wait()
}

// TestSection: any stretch of a body is the stretch of its bytes.
func TestSection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var body objstore.Body
		for range rapid.IntRange(0, 5).Draw(t, "pieces") {
			body = append(body, rapid.SliceOfN(rapid.Byte(), 0, 6).Draw(t, "piece"))
		}
		all := bytes.Join(body, nil)
		from := rapid.IntRange(0, len(all)).Draw(t, "from")
		n := rapid.IntRange(0, len(all)-from).Draw(t, "n")
		got := body.Section(int64(from), int64(n))
		if !bytes.Equal(all[from:from+n], bytes.Join(got, nil)) || got.Size() != int64(n) {
			t.Fatalf("%d bytes from %d of %v: %v", n, from, body, got)
		}
	})
}
