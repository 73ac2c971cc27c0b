package load

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func threadPriority(t *testing.T) int {
	n, err := unix.Getpriority(unix.PRIO_PROCESS, unix.Gettid())
	require.NoError(t, err)
	return n
}

// TestPacerLeavesItsThreadAsItWas: the thread goes back to the runtime, and
// must not keep a priority that its next goroutine has no claim to.
func TestPacerLeavesItsThreadAsItWas(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadPriority(t)
	p, err := newPacer(NewClock())
	require.NoError(t, err)
	p.close()
	require.Equal(t, before, threadPriority(t))
}
