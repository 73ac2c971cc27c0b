package results

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAtRest(t *testing.T) {
	of := func(p99Us ...float64) WarmUp { return WarmUp{P99Us: p99Us} }
	require.False(t, of().AtRest())
	require.False(t, of(5, 5).AtRest(), "two are not three")
	require.True(t, of(5, 5, 5).AtRest())
	require.True(t, of(200, 20, 4, 6, 5).AtRest(), "what came before does not count")
	require.False(t, of(4, 6.1, 5).AtRest())
	require.False(t, of(9, 7, 5).AtRest(), "it still falls")
	require.Equal(t, []float64{7, 5, 6}, of(9, 7, 5, 6).Last())
}
