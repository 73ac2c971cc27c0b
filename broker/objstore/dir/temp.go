package dir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// tempDir holds, below the root, a directory for each open store.
const tempDir = ".tide-tmp"

const lockName = "lock"

var errNotDir error = syscall.ENOTDIR

// openTemp makes a directory for our files being written and removes those of
// stores that are gone: nobody holds their lock. It is also the probe whether
// the store can be written to.
//
// Another store may clean at the same time and take a directory whose lock is
// not held yet. It deletes only under the lock, so once we have the lock the
// file is either still there, and ours, or gone, and we begin again.
func (s *Store) openTemp() error {
	all := filepath.Join(s.root, tempDir)
	if err := os.Mkdir(all, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := cleanTemp(all); err != nil {
		return err
	}
	const tries = 10
	for range tries {
		d, err := os.MkdirTemp(all, "p-")
		if err != nil {
			return err
		}
		lock, err := os.Create(filepath.Join(d, lockName))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if tryLock(lock) && exists(lock.Name()) {
			s.temp, s.lock = d, lock
			return nil
		}
		lock.Close()
	}
	return fmt.Errorf("%s: other stores remove what is made in it", all)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// cleanTemp removes directories that no store uses any more.
func cleanTemp(all string) error {
	entries, err := os.ReadDir(all)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := cleanOne(filepath.Join(all, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func cleanOne(d string) error {
	lock, err := os.Open(filepath.Join(d, lockName))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotDir) {
		return os.RemoveAll(d) // its owner stopped before it had a lock
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	if !tryLock(lock) {
		return nil
	}
	return os.RemoveAll(d)
}

// explain names the store and, for the faults an operator can mend, the remedy.
func (s *Store) explain(what string, err error) error {
	remedy := ""
	switch {
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EROFS):
		remedy = ": make the directory writable for this user, or choose another one with --store dir:PATH"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		remedy = ": free space on its file system, or choose another one with --store dir:PATH"
	case errors.Is(err, errNotDir):
		remedy = ": a file stands where a directory should be; choose another place with --store dir:PATH"
	}
	return fmt.Errorf("object directory %s, %s: %w%s", s.root, what, err, remedy)
}
