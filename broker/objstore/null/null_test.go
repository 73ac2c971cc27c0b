package null_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/null"
)

// TestKeepsNothing: the store takes everything and finds nothing, so it cannot
// pass the common suite.
func TestKeepsNothing(t *testing.T) {
	var s objstore.Store = null.New()
	ctx := t.Context()
	require.NoError(t, s.Put(ctx, "a/b", objstore.Body{[]byte("x")}))
	require.ErrorIs(t, s.GetRange(ctx, "a/b", 0, make([]byte, 1)), objstore.ErrNotFound)
	_, err := s.Head(ctx, "a/b")
	require.ErrorIs(t, err, objstore.ErrNotFound)
	require.NoError(t, s.List(ctx, "", func(i objstore.Info) error { t.Errorf("found %s", i.Key); return nil }))
	require.NoError(t, s.Delete(ctx, "a/b"))
	require.ErrorIs(t, s.Put(ctx, "../b", nil), objstore.ErrKey)
	require.NoError(t, s.Close())
}
