package load

import (
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

// TestPacerLeavesItsThreadAsItWas: the thread goes back to the runtime, and
// must not keep a priority that its next goroutine has no claim to.
func TestPacerLeavesItsThreadAsItWas(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadPriority(t)
	p, err := newPacer(NewClock())
	require.NoError(t, err)
	require.NotEqual(t, before, threadPriority(t))
	p.close()
	require.Equal(t, before, threadPriority(t))
}
