package iopath

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const testCapacity = 1 << 20

// wal returns options for a new file in a directory of the test's own.
func wal(t *testing.T) OpenOptions {
	return OpenOptions{
		File: filepath.Join(t.TempDir(), "wal"), Capacity: testCapacity, Create: true,
		Logger: slog.New(slog.DiscardHandler),
	}
}

func openOK(t *testing.T, o OpenOptions) *Device {
	d, err := OpenDevice(o)
	require.NoError(t, err, "this test needs direct I/O: set TMPDIR to a directory on ext4 or xfs")
	return d
}

// TestCreate checks that a new file is complete, without holes, and alone.
func TestCreate(t *testing.T) {
	o := wal(t)
	var seen []int64
	o.Progress = func(done, total int64) {
		require.Equal(t, o.Capacity, total)
		seen = append(seen, done)
	}
	o.Capacity = 9 << 20
	d := openOK(t, o)
	require.Equal(t, []int64{4 << 20, 8 << 20, 9 << 20}, seen)
	require.Equal(t, o.Capacity, d.Capacity())
	require.True(t, d.filled(o.Capacity))
	require.NoError(t, d.Close())
	content, err := os.ReadFile(o.File)
	require.NoError(t, err)
	require.Equal(t, make([]byte, o.Capacity), content)
	require.NoFileExists(t, o.File+initSuffix)

	o.Capacity, o.Create, o.Progress = 0, false, nil
	d = openOK(t, o)
	require.Equal(t, int64(9<<20), d.Capacity(), "the size of the file")
	require.NoError(t, d.Close())
}

func TestOpenRefuses(t *testing.T) {
	o := wal(t)
	d := openOK(t, o)
	_, err := OpenDevice(o)
	require.ErrorIs(t, err, ErrInUse)
	require.ErrorContains(t, err, o.File)
	require.NoError(t, d.Close())

	o.Capacity *= 2
	_, err = OpenDevice(o)
	require.ErrorContains(t, err, "has a capacity of 1MiB, and capacity=2MiB is asked for")

	require.NoError(t, os.Truncate(o.File, 60<<10))
	o.Capacity = 0
	_, err = OpenDevice(o)
	require.ErrorContains(t, err, "has 60KiB, want at least 64KiB")

	require.NoError(t, os.Truncate(o.File, 68<<10+100))
	d = openOK(t, o)
	require.Equal(t, int64(68<<10), d.Capacity(), "rounded down")
	require.NoError(t, d.Close())
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	_, err := OpenDevice(OpenOptions{File: dir})
	require.ErrorContains(t, err, "is a directory; want a regular file or a block device")
	_, err = OpenDevice(OpenOptions{File: "/dev/null"})
	require.ErrorContains(t, err, "is a character device")
	_, err = OpenDevice(OpenOptions{File: filepath.Join(dir, "none")})
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = OpenDevice(OpenOptions{File: filepath.Join(dir, "none"), Create: true})
	require.ErrorContains(t, err, "needs a capacity")
	_, err = OpenDevice(OpenOptions{File: filepath.Join(dir, "no/where"), Create: true, Capacity: testCapacity})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, os.Symlink("nothing", filepath.Join(dir, "link")))
	_, err = OpenDevice(OpenOptions{File: filepath.Join(dir, "link"), Create: true, Capacity: testCapacity})
	require.ErrorContains(t, err, "symbolic link to nothing")
	_, err = OpenDevice(OpenOptions{})
	require.ErrorContains(t, err, "want the path")
}

// TestInterruptedCreation finds what a crash in the middle of filling leaves.
func TestInterruptedCreation(t *testing.T) {
	o := wal(t)
	half := o.File + initSuffix
	require.NoError(t, os.WriteFile(half, bytes.Repeat([]byte{0xff}, testCapacity/2), 0o600))
	o.Create = false
	_, err := OpenDevice(o)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "interrupted creation")

	o.Create = true
	d := openOK(t, o)
	require.NoError(t, d.Close())
	content, err := os.ReadFile(o.File)
	require.NoError(t, err)
	require.Equal(t, make([]byte, testCapacity), content, "started over")
	require.NoFileExists(t, half)
}

// TestCreationRace has another process in the middle of filling the file, and
// then one that finished between our open and our lock.
func TestCreationRace(t *testing.T) {
	o := wal(t)
	temporary := o.File + initSuffix
	other, err := os.Create(temporary)
	require.NoError(t, err)
	_, err = lock(other)
	require.NoError(t, err)
	_, err = OpenDevice(o)
	require.ErrorIs(t, err, ErrInUse)
	require.FileExists(t, temporary, "it is the other's")

	require.NoError(t, other.Truncate(testCapacity))
	require.NoError(t, other.Close())
	ours, err := os.OpenFile(temporary, os.O_RDWR, 0)
	require.NoError(t, err)
	require.NoError(t, os.Rename(temporary, o.File))
	require.ErrorIs(t, takeTemporary(ours, temporary, o), ErrInUse)
	info, err := ours.Stat()
	require.NoError(t, err)
	require.Equal(t, int64(testCapacity), info.Size(), "the other's WAL was not cut")
	require.NoError(t, ours.Close())
}

// TestDiskFull asks for more than the file system has.
func TestDiskFull(t *testing.T) {
	o := wal(t)
	var st unix.Statfs_t
	require.NoError(t, unix.Statfs(filepath.Dir(o.File), &st))
	o.Capacity = int64(st.Blocks)*st.Bsize + 1<<30
	o.Capacity -= o.Capacity % BlockSize
	_, err := OpenDevice(o)
	require.ErrorContains(t, err, o.File)
	require.ErrorContains(t, err, "no room for a file of")
	require.ErrorContains(t, err, "ask for less with capacity=")
	require.NoFileExists(t, o.File)
	require.NoFileExists(t, o.File+initSuffix)
}

// TestNoDirectIO stands for a file system that has no O_DIRECT.
func TestNoDirectIO(t *testing.T) {
	was := openDirect
	defer func() { openDirect = was }()
	openDirect = func(name string, flag int, perm os.FileMode) (*os.File, error) {
		f, err := os.OpenFile(name, flag, perm) // as Linux does, which makes it first
		if err == nil {
			err = f.Close()
		}
		return nil, errors.Join(err, &fs.PathError{Op: "open", Path: name, Err: syscall.EINVAL})
	}
	o := wal(t)
	_, err := OpenDevice(o)
	require.ErrorIs(t, err, ErrUnsupported)
	require.ErrorContains(t, err, "put the file on ext4 or xfs, or use a raw block device")
	require.NoFileExists(t, o.File+initSuffix)

	require.NoError(t, os.WriteFile(o.File, make([]byte, testCapacity), 0o600))
	_, err = OpenDevice(o)
	require.ErrorIs(t, err, ErrUnsupported)
}

// TestBufferedIsFilledDirectly: a file for buffered writes is zeroed past the
// page cache, and through it where the file system has no O_DIRECT.
func TestBufferedIsFilledDirectly(t *testing.T) {
	was := openDirect
	defer func() { openDirect = was }()
	for _, refuse := range []error{nil, syscall.EINVAL} {
		opened := 0
		openDirect = func(name string, flag int, perm os.FileMode) (*os.File, error) {
			if opened++; refuse != nil {
				return nil, &fs.PathError{Op: "open", Path: name, Err: refuse}
			}
			return was(name, flag, perm)
		}
		o := wal(t)
		o.Buffered, o.Durability = true, Fdatasync
		d := openOK(t, o)
		require.Equal(t, 1, opened, "for filling alone")
		require.True(t, d.Geometry(o).Blank)
		require.True(t, d.filled(testCapacity))
		require.NoError(t, d.Close())
		content, err := os.ReadFile(o.File)
		require.NoError(t, err)
		require.Equal(t, make([]byte, testCapacity), content)
		require.NoFileExists(t, o.File+initSuffix)
		again := openOK(t, o)
		require.False(t, again.Geometry(o).Blank, "who knows what has been written to it")
		require.NoError(t, again.Close())
	}
}

// TestBlank: only the open that has made the file says that it is zeros. What was
// there before is never taken for that, whatever it looks like, nor is what comes
// to be there meanwhile.
func TestBlank(t *testing.T) {
	blank := func(o OpenOptions) bool {
		d := openOK(t, o)
		defer func() { require.NoError(t, d.Close()) }()
		return d.Geometry(o).Blank
	}
	for _, buffered := range []bool{false, true} {
		o := wal(t)
		o.Buffered, o.Durability = buffered, Fdatasync
		// What an interrupted creation left may hold anything: it is emptied first.
		require.NoError(t, os.WriteFile(o.File+initSuffix, bytes.Repeat([]byte{7}, 2*testCapacity), 0o600))
		require.True(t, blank(o))
		content, err := os.ReadFile(o.File)
		require.NoError(t, err)
		require.Equal(t, make([]byte, testCapacity), content)

		require.False(t, blank(o), "zeros, but of another open")
		o.Capacity = 0
		require.NoError(t, os.Truncate(o.File, 68<<10))
		require.False(t, blank(o), "truncated")
		require.NoError(t, os.Truncate(o.File, 0))
		require.NoError(t, os.Truncate(o.File, testCapacity))
		require.False(t, blank(o), "a hole")
	}

	o := wal(t)
	old := bytes.Repeat([]byte{7}, testCapacity)
	o.Progress = func(int64, int64) { require.NoError(t, os.WriteFile(o.File, old, 0o600)) }
	_, err := OpenDevice(o)
	require.ErrorIs(t, err, fs.ErrExist)
	content, err := os.ReadFile(o.File)
	require.NoError(t, err)
	require.Equal(t, old, content, "a log that was put back is not replaced")
	require.NoFileExists(t, o.File+initSuffix)
}

// TestDirectNeedsFilledFile: O_DIRECT alone is durable only on blocks that the
// file system has nothing left to write about.
func TestDirectNeedsFilledFile(t *testing.T) {
	o := wal(t)
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	require.NoError(t, os.WriteFile(o.File, nil, 0o600))
	require.NoError(t, os.Truncate(o.File, testCapacity))
	o.Durability = Direct
	_, err := OpenDevice(o)
	require.ErrorContains(t, err, "this file has holes")

	o.Durability = Dsync
	d := openOK(t, o)
	require.Contains(t, log.String(), "not filled with zeros")
	require.NoError(t, d.Close())

	require.NoError(t, os.Remove(o.File))
	o.Durability = Direct
	require.NoError(t, openOK(t, o).Close())
}

// TestBufferedReadsTheDevice: what recovery reads first comes from the device,
// not from pages that an earlier process left.
func TestBufferedReadsTheDevice(t *testing.T) {
	o := wal(t)
	o.Buffered = true
	require.NoError(t, os.WriteFile(o.File, bytes.Repeat([]byte{7}, testCapacity), 0o600))
	b := alignedBlock()
	d := openOK(t, o)
	// Asked once an opening: asking starts to read ahead, so that the second
	// answer may find the page. And the kernel may keep a page that somebody else
	// looks at just then, so one of a few openings has to find nothing cached.
	_, err := unix.Preadv2(d.Fd(), [][]byte{b}, 0, unix.RWF_NOWAIT)
	for range 20 {
		if errors.Is(err, unix.EAGAIN) {
			break
		}
		require.NoError(t, d.Close())
		d = openOK(t, o)
		_, err = unix.Preadv2(d.Fd(), [][]byte{b}, 0, unix.RWF_NOWAIT)
	}
	require.ErrorIs(t, err, unix.EAGAIN, "nothing is cached")
	_, err = d.ReadAt(b, 0)
	require.NoError(t, err)
	require.Equal(t, byte(7), b[0])
	require.NoError(t, d.Close())
}

func TestReadAtDetectsCut(t *testing.T) {
	o := wal(t)
	d := openOK(t, o)
	require.NoError(t, os.Truncate(o.File, 128<<10))
	_, err := d.ReadAt(alignedBlock(), 512<<10)
	require.ErrorContains(t, err, "unexpected EOF")
	require.NoError(t, d.Close())
}

func TestSignatures(t *testing.T) {
	head := make([]byte, MinCapacity)
	require.Empty(t, signature(head))
	for _, s := range signatures {
		head := make([]byte, MinCapacity)
		copy(head[s.pos:], s.magic)
		require.Equal(t, s.name, signature(head))
	}
}

func TestWriteCache(t *testing.T) {
	sys := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(sys, "disk/queue"), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(sys, "disk/part"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(sys, "disk/queue/write_cache"), []byte("write back\n"), 0o600))
	require.Equal(t, "write back", writeCache(filepath.Join(sys, "disk")))
	require.Equal(t, "write back", writeCache(filepath.Join(sys, "disk/part")), "a partition has its disk's")
	require.Empty(t, writeCache(sys))
}
