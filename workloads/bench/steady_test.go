package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestShortWarmUp(t *testing.T) {
	require.Equal(t, "the warm-up lasted 10.2s, want at least 1m0s", shortWarmUp(false, 10200*time.Millisecond))
	require.Empty(t, shortWarmUp(false, time.Minute))
	require.Empty(t, shortWarmUp(true, time.Second), "its verdict says it")
}
