package iopath

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/tidelog/tide/internal/arena"
	"github.com/tidelog/tide/internal/units"
)

// zeroChunk is the size of the writes that fill a new file, in bytes.
const zeroChunk = 4 << 20

// createFile makes a file under a temporary name, fills it, and gives it its
// own name. What an interrupted earlier attempt left is started over.
func createFile(o OpenOptions) (*Device, error) {
	if err := mayCreate(o); err != nil {
		return nil, err
	}
	temporary := o.File + initSuffix
	f, err := openBy(o, temporary, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		if errors.Is(err, unix.EINVAL) {
			// Linux makes the file first and finds that O_DIRECT is missing after.
			_ = os.Remove(temporary)
		}
		return nil, openError(err)
	}
	if err := takeTemporary(f, temporary, o); err != nil {
		// Not removed: it is another process's.
		return nil, errors.Join(err, f.Close())
	}
	if err := fillAndName(f, temporary, o); err != nil {
		_ = os.Remove(temporary)
		return nil, errors.Join(err, f.Close())
	}
	return &Device{file: f, name: o.File, capacity: o.Capacity, blank: true}, nil
}

func mayCreate(o OpenOptions) error {
	if _, err := os.Lstat(o.File); err == nil {
		return errors.New("is a symbolic link to nothing; remove it, or make what it points to")
	}
	_, err := os.Lstat(o.File + initSuffix)
	switch {
	case !o.Create && err == nil:
		return fmt.Errorf("%w: %s is what an interrupted creation left; it holds no data", fs.ErrNotExist, o.File+initSuffix)
	case !o.Create:
		return fs.ErrNotExist
	case o.Capacity == 0:
		return errors.New("does not exist yet, and a new file needs a capacity, such as capacity=2GiB")
	default:
		return nil
	}
}

// takeTemporary locks the temporary file, and then looks whether it still is
// the one: between our open and our lock another process may have filled it
// and given it its own name, and what we hold would be its WAL.
func takeTemporary(f *os.File, temporary string, o OpenOptions) error {
	held, err := lock(f)
	if err != nil {
		return err
	}
	there, err := os.Lstat(temporary)
	if err != nil || !os.SameFile(held, there) {
		return fmt.Errorf("%w by another process, which has just created it", ErrInUse)
	}
	if _, err := os.Lstat(o.File); err == nil {
		return fmt.Errorf("%w by another process, which has just created it", ErrInUse)
	}
	if held.Size() > 0 {
		o.Logger.Warn("an earlier creation was interrupted; starting over", "file", temporary, "size", held.Size())
	}
	return f.Truncate(0)
}

// fillAndName makes the file complete and durable, and then visible.
func fillAndName(f *os.File, temporary string, o OpenOptions) error {
	if err := fill(f, o); err != nil {
		return explainFull(err, o)
	}
	if err := f.Sync(); err != nil {
		return explainFull(err, o)
	}
	if err := renameNew(temporary, o.File); err != nil {
		return err
	}
	return syncDir(filepath.Dir(o.File))
}

// renameNew takes nobody's place: filling takes a while, in which somebody may
// have put an old log back. Where the file system cannot promise that, it looks.
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		if _, there := os.Lstat(to); there == nil {
			err = unix.EEXIST
		} else {
			err = os.Rename(from, to)
		}
	}
	if errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("%w: it came while a new one was filled, and is left as it is", fs.ErrExist)
	}
	return err
}

// fill preallocates the file, so that its blocks lie together and a full disk
// shows at once, and writes zeros, so that no later write has to mark a block
// as written: a file that is only preallocated has a fifth of the speed with
// DSYNC, because each first write is a transaction of the file system too.
func fill(f *os.File, o OpenOptions) error {
	// Asked for first: fallocate takes what there is before it gives up, and
	// everybody else on the file system would be without until then.
	if free, ok := freeBytes(o.File); ok && free < o.Capacity {
		return unix.ENOSPC
	}
	err := unix.Fallocate(int(f.Fd()), 0, 0, o.Capacity)
	if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		return os.NewSyscallError("fallocate", err)
	}
	zeros, err := arena.Map(zeroChunk)
	if err != nil {
		return err
	}
	defer func() { _ = arena.Unmap(zeros) }()
	by := filler(f, o)
	defer func() {
		if by != f {
			_ = by.Close() // what it wrote is synced through f
		}
	}()
	for done := int64(0); done < o.Capacity; {
		n, err := by.WriteAt(zeros[:min(zeroChunk, o.Capacity-done)], done)
		switch {
		case errors.Is(err, unix.EINVAL) && by != f:
			_ = by.Close()
			by = f // through the cache, then
			continue
		case errors.Is(err, unix.EINVAL):
			return noDirect("the file system accepts O_DIRECT and refuses the write")
		case err != nil:
			return err
		}
		done += int64(n)
		if o.Progress != nil {
			o.Progress(done, o.Capacity)
		}
	}
	return nil
}

// filler is what zeros are written by. A file that is to be written through the
// page cache is filled past it all the same where it can be, by a descriptor of
// its own: through the cache 2 GiB take four times as long, and push out what
// others have there. What the file then is on the disk is the same.
func filler(f *os.File, o OpenOptions) *os.File {
	if !o.Buffered {
		return f
	}
	direct, err := openDirect(f.Name(), os.O_RDWR, 0)
	if err != nil {
		return f
	}
	return direct
}

// explainFull says what a full disk lacks, and leaves other errors alone.
func explainFull(err error, o OpenOptions) error {
	if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EDQUOT) && !errors.Is(err, unix.EFBIG) {
		return err
	}
	free, _ := freeBytes(o.File)
	return fmt.Errorf("no room for a file of %s (free: %d MiB): %w; free some space, or ask for less with capacity=",
		units.Size(o.Capacity), free/units.MiB, err)
}

// freeBytes is what the file system of a file to be has left for us.
func freeBytes(file string) (int64, bool) {
	var st unix.Statfs_t
	err := unix.Statfs(filepath.Dir(file), &st)
	return int64(st.Bavail) * st.Bsize, err == nil
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
