package uring

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/iopath"
)

// TestDiagnose: each way in which io_uring can be missing has a remedy of its own.
func TestDiagnose(t *testing.T) {
	remedies := map[string]bool{}
	for _, c := range []struct {
		errno    unix.Errno
		disabled string
	}{{unix.EPERM, "2"}, {unix.EPERM, "1"}, {unix.EPERM, "0"}, {unix.ENOSYS, ""}, {unix.ENOMEM, "0"}, {unix.EINVAL, "0"}} {
		cause, remedy := diagnose(c.errno, c.disabled)
		require.NotEmpty(t, cause)
		require.False(t, remedies[remedy], remedy)
		remedies[remedy] = true
	}
	err := explainSetup(unix.ENOSYS, setup{})
	require.ErrorIs(t, err, iopath.ErrUnsupported)
	require.ErrorIs(t, err, unix.ENOSYS)
	require.ErrorContains(t, err, "or use pwrite: in the WAL URL")
}

func TestOpenRefusesMode(t *testing.T) {
	_, err := Open(Config{Mode: "boss", Ring: "mine", OpenOptions: iopath.OpenOptions{File: "wal", Depth: -1}})
	for _, want := range []string{"want leader or owner", "want own or giouring", "depth: -1"} {
		require.ErrorContains(t, err, want)
	}
	_, err = Open(Config{Mode: iopath.ModeOwner, SQPoll: true, OpenOptions: iopath.OpenOptions{File: "wal"}})
	require.ErrorContains(t, err, "want one of the two")
}

// TestShortWrite has the kernel take a part of a write, then be interrupted,
// and then nothing: advance is asked what comes next.
func TestShortWrite(t *testing.T) {
	for durability, flushes := range map[iopath.Durability]bool{iopath.Dsync: false, iopath.Fdatasync: true} {
		w := &iopath.Write{Buf: make([]byte, 3*iopath.BlockSize)}
		p := &steps{durability: durability, slots: make([]slot, 1)}
		for _, result := range []int32{iopath.BlockSize, -int32(unix.EINTR), iopath.BlockSize} {
			ended, err := p.advance(0, w, result)
			require.False(t, ended)
			require.NoError(t, err)
		}
		ended, err := p.advance(0, w, 0)
		require.True(t, ended)
		require.ErrorContains(t, err, "short write")

		ended, err = p.advance(0, w, iopath.BlockSize)
		require.NoError(t, err)
		require.Equal(t, flushes, !ended, "only fdatasync has a step after the last byte")
		if flushes {
			ended, err = p.advance(0, w, 0)
			require.True(t, ended)
			require.NoError(t, err)
		}
		ended, err = p.advance(0, w, -int32(unix.EIO))
		require.True(t, ended)
		require.ErrorIs(t, err, unix.EIO)
	}
}
