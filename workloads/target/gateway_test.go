package target

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The real server is judged in itest: s3ratio/ and the rivals.
func TestGatewayThatIsNotThere(t *testing.T) {
	dir := t.TempDir()
	g, err := StartGateway(t.Context(), filepath.Join(dir, "none"), filepath.Join(dir, "s3"), filepath.Join(dir, "s3.log"))
	require.Nil(t, g)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorIs(t, err, ErrNotReady)
	require.ErrorContains(t, err, "scripts/deps s3 installs it")
	require.DirExists(t, filepath.Join(dir, "s3", gatewayBucket))
}

func TestGatewayThatEnds(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(fakeMode, "refuse")
	_, err := StartGateway(t.Context(), os.Args[0], filepath.Join(dir, "s3"), filepath.Join(dir, "s3.log"))
	require.ErrorIs(t, err, ErrNotReady)
	require.ErrorContains(t, err, "the S3 server did not start: wal: O_DIRECT is not supported", "what it said")
	require.NotContains(t, err.Error(), "scripts/deps", "it is installed")
}
