package bench

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// dataPrefix begins the names of directories with a broker's data, beside the
// trials.
const dataPrefix = ".bench-data-"

// dataDir is where the broker of one trial has its data. The kernel holds a lock
// on it for as long as this process lives, however it ends, so that the next one
// can tell what is left of a trial that was killed:
//
//	OUT/                 locked while a directory is made or looked for
//	  .bench-data-123/   locked: in use
//	  .bench-data-45/    not locked: nobody's, and removed by whoever comes next
type dataDir struct {
	path string   // "" for a remote target
	held *os.File // nil likewise
}

// makeData makes one in out, and removes what killed trials have left there.
func makeData(out string) (*dataDir, error) {
	parent, err := os.Open(out)
	if err != nil {
		return nil, err
	}
	defer parent.Close() // which gives the lock back
	// Where a filesystem has no locks, nothing is taken for left.
	if syscall.Flock(int(parent.Fd()), syscall.LOCK_EX) == nil {
		if err := removeLeft(out); err != nil {
			return nil, err
		}
	}
	d := &dataDir{}
	if d.path, err = os.MkdirTemp(out, dataPrefix); err != nil {
		return nil, err
	}
	if d.held, err = os.Open(d.path); err != nil {
		return nil, errors.Join(err, os.RemoveAll(d.path))
	}
	_ = syscall.Flock(int(d.held.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) // it is new: this fails only where there are no locks
	return d, nil
}

// removeLeft removes the directories that nobody holds.
func removeLeft(out string) error {
	left, err := filepath.Glob(filepath.Join(out, dataPrefix+"*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range left {
		dir, err := os.Open(path)
		if err != nil {
			continue // it has just gone
		}
		if syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			errs = append(errs, os.RemoveAll(path))
		}
		errs = append(errs, dir.Close())
	}
	return errors.Join(errs...)
}

// remove ends it with all that is in it; nil has nothing.
func (d *dataDir) remove() error {
	if d == nil {
		return nil
	}
	return errors.Join(os.RemoveAll(d.path), d.held.Close())
}
