package bounded_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/internal/bounded"
)

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.yaml")
	for _, content := range []string{"", "a", "four"} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		got, err := bounded.Read(path, 4)
		require.NoError(t, err)
		require.Equal(t, content, string(got))
	}
	require.NoError(t, os.WriteFile(path, []byte("fives"), 0o600))
	got, err := bounded.Read(path, 4)
	require.Nil(t, got)
	require.EqualError(t, err, "read "+path+": too large: want at most 4 bytes: make it smaller, or name another file")
}

// TestErrorsNameTheFile: whatever went wrong, and callers can tell what.
func TestErrorsNameTheFile(t *testing.T) {
	dir := t.TempDir()
	none := filepath.Join(dir, "none")
	_, err := bounded.Read(none, 1<<20)
	require.ErrorIs(t, err, fs.ErrNotExist)
	for _, path := range []string{none, dir, "/dev/zero"} {
		_, err := bounded.Read(path, 1<<20)
		var named *fs.PathError
		require.ErrorAs(t, err, &named, path)
		require.Equal(t, path, named.Path)
	}
	_, err = bounded.Read("/dev/zero", 1<<20)
	var over *bounded.Excess
	require.ErrorAs(t, err, &over)
	require.EqualError(t, over, "too large: want at most 1 MiB")
}

func TestCheck(t *testing.T) {
	require.NoError(t, bounded.Check(make([]byte, 8), 8))
	require.EqualError(t, bounded.Check(make([]byte, 9), 8), "too large: want at most 8 bytes")
}
