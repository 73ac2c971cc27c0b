package target

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAnInstallerEndsWithWhatItStarted: the child of a script holds the pipe
// that Wait waits for.
func TestAnInstallerEndsWithWhatItStarted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", "sleep 1000 & echo begun; wait")
	endWithItsChildren(cmd)
	cmd.WaitDelay = 0 // the children themselves have to go, not only their output
	in, out := io.Pipe()
	cmd.Stdout = out
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(in).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "begun\n", line)
	cancel()
	require.Error(t, cmd.Wait())
}
