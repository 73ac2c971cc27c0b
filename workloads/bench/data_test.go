package bench

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDataOfKilledTrialsGoes: what nobody holds is removed by the next trial,
// what is in use stays.
func TestDataOfKilledTrialsGoes(t *testing.T) {
	out := t.TempDir()
	left := filepath.Join(out, dataPrefix+"1")
	require.NoError(t, os.MkdirAll(filepath.Join(left, "objects"), 0o755))
	other := filepath.Join(out, "tail-2k")
	require.NoError(t, os.Mkdir(other, 0o755))

	first, err := makeData(out)
	require.NoError(t, err)
	require.NoDirExists(t, left)
	require.DirExists(t, other)

	second, err := makeData(out)
	require.NoError(t, err)
	require.DirExists(t, first.path, "it is in use")
	require.NoError(t, first.held.Close()) // as the end of its process would

	require.NoError(t, second.remove())
	require.NoDirExists(t, second.path)
	third, err := makeData(out)
	require.NoError(t, err)
	require.NoDirExists(t, first.path)
	require.NoError(t, third.remove())
	require.NoError(t, (*dataDir)(nil).remove())
}
