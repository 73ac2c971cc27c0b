package objstore_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
)

func TestClassTravelsInTheContext(t *testing.T) {
	require.Equal(t, objstore.ClassDemand, objstore.ClassOf(t.Context()))
	for c := range objstore.ClassCount {
		require.Equal(t, c, objstore.ClassOf(objstore.WithClass(t.Context(), c)), c.String())
	}
}

func TestPace(t *testing.T) {
	require.NoError(t, objstore.Pace(t.Context(), 1))
	moved := 0
	ctx := objstore.WithPacer(t.Context(), func(_ context.Context, n int) error { moved += n; return nil })
	require.NoError(t, objstore.Pace(ctx, 3))
	require.NoError(t, objstore.Pace(ctx, 4))
	require.Equal(t, 7, moved)
	pieces := 0
	ctx = objstore.WithPacer(t.Context(), func(_ context.Context, n int) error { pieces++; moved += n; return nil })
	require.NoError(t, objstore.PaceAll(ctx, 2*objstore.PieceSize+5))
	require.Equal(t, 3, pieces)
	require.Equal(t, 7+2*objstore.PieceSize+5, moved)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, objstore.Pace(ended, 1), context.Canceled)
}
