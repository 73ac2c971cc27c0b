package load

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCalmIsTakenBack: several schedules may be kept at a time; what was set
// before is set again after the last of them.
func TestCalmIsTakenBack(t *testing.T) {
	procs, percent, limit := runtime.GOMAXPROCS(0), debug.SetGCPercent(77), debug.SetMemoryLimit(-1)
	defer debug.SetGCPercent(percent)
	holdCalm()
	holdCalm()
	require.Equal(t, procs+1, runtime.GOMAXPROCS(0))
	require.LessOrEqual(t, debug.SetMemoryLimit(-1), int64(calmMemory))
	releaseCalm()
	require.Equal(t, procs+1, runtime.GOMAXPROCS(0))
	releaseCalm()
	require.Equal(t, procs, runtime.GOMAXPROCS(0))
	require.Equal(t, limit, debug.SetMemoryLimit(-1))
	require.Equal(t, 77, debug.SetGCPercent(77))
}
