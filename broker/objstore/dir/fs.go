package dir

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/tidelog/tide/broker/objstore"
)

// FS is everything a Store does that changes the directory tree. It is a seam
// for tests, which record the order of the calls or lose what was not synced.
// Paths are the machine's. Errors are those of package os.
type FS interface {
	// WriteFile makes a new file of these bytes. When it returns nil the bytes
	// are durable; the file's name need not be.
	WriteFile(ctx context.Context, path string, body objstore.Body) error
	// Mkdir makes one directory; fs.ErrExist when the name is taken.
	Mkdir(path string) error
	// Publish gives a file another name in one step and never replaces: the
	// error is fs.ErrExist when the name is taken.
	Publish(from, to string) error
	// Remove removes a file or an empty directory.
	Remove(path string) error
	// SyncDir makes the names in a directory durable as they are.
	SyncDir(path string) error
}

// osFS is the machine's file system. Its WriteFile is in write.go.
type osFS struct{ *writer }

// Mkdir implements FS.
func (osFS) Mkdir(path string) error { return os.Mkdir(path, 0o777) }

// Publish implements FS.
func (osFS) Publish(from, to string) error { return renameNew(from, to) }

// Remove implements FS.
func (osFS) Remove(path string) error { return os.Remove(path) }

// SyncDir implements FS.
func (osFS) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// linkNew is Publish by hard link, where there is no rename that refuses to
// replace. A crash between its steps leaves the temporary name, which the next
// Open cleans.
func linkNew(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return err
	}
	return os.Remove(from)
}

// mkdirs makes a directory and what is missing above it, and tells made of
// each one that was made here.
func mkdirs(f FS, path string, up func(string) string, made func(string)) error {
	err := f.Mkdir(path)
	if errors.Is(err, fs.ErrNotExist) && up(path) != path {
		if err := mkdirs(f, up(path), up, made); err != nil {
			return err
		}
		err = f.Mkdir(path)
	}
	switch {
	case err == nil:
		made(path)
		return nil
	case errors.Is(err, fs.ErrExist):
		return nil // or a file has the name, which the next step will tell
	}
	return err
}
