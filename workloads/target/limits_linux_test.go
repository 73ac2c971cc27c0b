package target

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRemoveLeftGroups: the group of a process that is gone goes, that of one
// that lives stays.
func TestRemoveLeftGroups(t *testing.T) {
	parent := t.TempDir()
	gone := exec.Command("true")
	require.NoError(t, gone.Run())
	dead := filepath.Join(parent, fmt.Sprintf("%s%d-1", groupPrefix, gone.Process.Pid))
	alive := filepath.Join(parent, fmt.Sprintf("%s%d-1", groupPrefix, os.Getpid()))
	for _, dir := range []string{dead, alive, filepath.Join(parent, groupPrefix+"mine")} {
		require.NoError(t, os.Mkdir(dir, 0o755))
	}
	removeLeftGroups(parent)
	require.NoDirExists(t, dead)
	require.DirExists(t, alive)
	require.DirExists(t, filepath.Join(parent, groupPrefix+"mine"))
}
