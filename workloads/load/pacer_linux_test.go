package load

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func threadPriority(t *testing.T) unix.SchedAttr {
	a, err := unix.SchedGetAttr(0, 0)
	require.NoError(t, err)
	return *a
}

// hasSlices says that the kernel looks at a slice that is asked for.
func hasSlices(t *testing.T) bool {
	var u unix.Utsname
	require.NoError(t, unix.Uname(&u))
	var major, minor int
	_, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor)
	require.NoError(t, err)
	return major > 6 || major == 6 && minor >= 12
}

// TestPacerLeavesItsThreadAsItWas: the thread goes back to the runtime, and
// must not keep a priority that its next goroutine has no claim to.
func TestPacerLeavesItsThreadAsItWas(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadPriority(t)
	p, err := newPacer(NewClock())
	require.NoError(t, err)
	if during := threadPriority(t); hasSlices(t) {
		require.Equal(t, uint64(pacerSlice), during.Runtime)
	} else if during == before {
		require.Error(t, unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), pacerNice), "it may be raised, and was not")
	}
	p.close()
	require.Equal(t, before, threadPriority(t))
}
