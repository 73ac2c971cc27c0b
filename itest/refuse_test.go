package itest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// refused runs a broker that must not start, and returns the line that says why.
func refused(t *testing.T, dir string, more ...string) string {
	t.Helper()
	p := spawn(t, small(dir, more...))
	err := p.wait(readyWithin)
	require.Error(t, err, "the broker started, or ended with 0; stderr:\n%s", p.stderr)
	require.NotNil(t, p.cmd.ProcessState)
	require.Contains(t, []int{1, 2}, p.cmd.ProcessState.ExitCode(), "an exit code of ours, not a crash; stderr:\n%s", p.stderr)
	require.NotContains(t, p.stderr.String(), "goroutine ", "a clear line, not a panic")
	lines := p.stderr.lines()
	require.NotEmpty(t, lines, "one clear line on stderr")
	return lines[len(lines)-1]
}

// filled is a data directory with acknowledged records in its WAL: the broker
// was killed before any upload, which the settings put off.
func filled(t *testing.T, more ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	p := start(t, dir, append([]string{"--upload-interval", "1h"}, more...)...)
	kcat(t, p.Kafka, strings.Repeat("some line of a record\n", 2000), "-P", "-t", "kept", "-p", "0", "-X", "acks=all")
	p.kill()
	return dir
}

// records counts what is in the topic of filled.
func records(t *testing.T, p *process) int {
	t.Helper()
	return strings.Count(kcat(t, p.Kafka, "", "-C", "-t", "kept", "-p", "0", "-o", "beginning", "-e", "-q"), "\n")
}

func walOf(dir string) string { return filepath.Join(dir, "wal") }

// TestWALOfAnotherNode: records of one node are not recovered as those of node 5's.
func TestWALOfAnotherNode(t *testing.T) {
	dir := filled(t)
	line := refused(t, dir, "--node-id", "5")
	require.Contains(t, line, "5", "names the node sought")
	p := start(t, dir)
	require.Equal(t, 2000, records(t, p), "the refusal has changed nothing")
}

// TestWALOfAnOlderEpoch: a copy of the volume from before the last start.
func TestWALOfAnOlderEpoch(t *testing.T) {
	dir := filled(t)
	old, err := os.ReadFile(walOf(dir))
	require.NoError(t, err)
	p := start(t, dir, "--upload-interval", "1h") // a new epoch opens the WAL
	kcat(t, p.Kafka, "newer\n", "-P", "-t", "kept", "-p", "0", "-X", "acks=all")
	p.kill()
	require.NoError(t, os.WriteFile(walOf(dir), old, 0o600))
	require.Contains(t, refused(t, dir), "epoch")
}

// TestWALEmptyWhereOneIsExpected: the file is gone, or holds nothing, although
// the metadata says that a WAL was open.
func TestWALEmptyWhereOneIsExpected(t *testing.T) {
	for name, lose := range map[string]func(path string) error{
		"gone": os.Remove,
		"zero": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, make([]byte, info.Size()), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filled(t)
			require.NoError(t, lose(walOf(dir)))
			require.Contains(t, refused(t, dir), "--discard-wal", "the refusal names the way out")
			p := start(t, dir, "--discard-wal")
			kcat(t, p.Kafka, "goes on\n", "-P", "-t", "kept", "-p", "0", "-X", "acks=all")
		})
	}
}

// TestWALDamaged flips one byte in the middle of acknowledged records: refused
// with the damage named, and opened only by --accept-loss.
func TestWALDamaged(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, "--upload-interval", "1h", "--wal", "pwrite:"+walOf(dir)+"?capacity=64MiB&window=1MiB")
	kcat(t, p.Kafka, "first\n", "-P", "-t", "kept", "-p", "0", "-X", "acks=all")
	c := dial(t, p.Kafka)
	for range 40 { // more than a window, so that the log cannot just have ended in the damage
		answer, err := c.produce("kept", 0, batch(strings.Repeat("x", 40_000)))
		require.NoError(t, err)
		require.Zero(t, answer.ErrorCode)
	}
	p.kill()
	f, err := os.OpenFile(walOf(dir), os.O_RDWR, 0)
	require.NoError(t, err)
	const inside = 8192 + 60_000 // past both header slots, within the first records
	var b [1]byte
	_, err = f.ReadAt(b[:], inside)
	require.NoError(t, err)
	b[0] ^= 0xff
	_, err = f.WriteAt(b[:], inside)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.Contains(t, refused(t, dir), "--accept-loss", "the refusal names the way out")
	require.Contains(t, start(t, dir, "--accept-loss").stderr.String(), "as --accept-loss asks: records that were acknowledged may be gone")
}

// TestNoRoom: a WAL larger than the disk is refused at once.
func TestNoRoom(t *testing.T) {
	dir := t.TempDir()
	line := refused(t, dir, "--wal", "pwrite:"+walOf(dir)+"?capacity=4096TiB")
	require.Regexp(t, "(?i)space|large|capacity", line)
}

// TestStoreCannotBeWritten: the store's directory lies below a file.
func TestStoreCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	line := refused(t, dir, "--store", "dir:"+filepath.Join(file, "objects"))
	require.Contains(t, line, file, "names the directory")
}

// TestBadFlags: every fault of the configuration at once, before anything is made.
func TestBadFlags(t *testing.T) {
	dir := t.TempDir()
	for _, bad := range [][]string{
		{"--wal", "pwrite:" + walOf(dir) + "?capacty=1GiB"},
		{"--wal", "punchcards:" + walOf(dir)},
		{"--upload-threshold", "1GiB"}, // more than half of the log cache
		{"--policy", "best"},
		{"--no-such-flag"},
	} {
		t.Run(strings.Join(bad, "="), func(t *testing.T) {
			require.NotEmpty(t, refused(t, dir, bad...))
		})
	}
	_, err := os.Stat(walOf(dir))
	require.ErrorIs(t, err, os.ErrNotExist, "a refused configuration makes no WAL")
}
