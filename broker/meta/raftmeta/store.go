package raftmeta

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Errors of opening a directory; the text names the path and the remedy.
var (
	ErrInUse   = errors.New("raftmeta: directory is in use by another process")
	ErrDamaged = errors.New("raftmeta: directory is damaged")
)

const (
	logFile      = "raft.db"
	snapshotDir  = "snapshots" // made by raft, in Dir
	keepSnapshot = 2
)

func damaged(path string, err error) error {
	return fmt.Errorf("%w: %s: %w; restore the directory from a backup, or move it away to start without metadata "+
		"(the topics and what the objects belong to are lost then)", ErrDamaged, path, err)
}

// openStore opens the log, reads all of it, and makes its name durable.
func openStore(dir string, lock time.Duration) (*raftboltdb.BoltStore, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, logFile)
	s, err := openBolt(path, lock)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%w: %s has been locked for %s; stop the other one, or give this one its own directory", ErrInUse, path, lock)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("raftmeta: %w; make it readable and writable for this user", err)
	case err != nil:
		return nil, damaged(path, err)
	}
	if err := syncDir(dir); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openBolt turns what bbolt does with a damaged file into errors: it panics on
// a page of the wrong kind, and a file that was cut short is a fault of memory,
// for bbolt reads through a mapping.
func openBolt(path string, lock time.Duration) (s *raftboltdb.BoltStore, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			s, err = nil, fmt.Errorf("reading it: %v", p)
		}
	}()
	// NoSync stays false: each transaction is on the disk before it counts.
	s, err = raftboltdb.New(raftboltdb.Options{
		Path: path, NoSync: false, BoltOptions: &bbolt.Options{Timeout: lock, NoSync: false, NoGrowSync: false},
	})
	if err != nil {
		return nil, err
	}
	if err := readAll(s); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// readAll looks at every entry: indexes without gaps, commands with their CRC.
func readAll(s *raftboltdb.BoltStore) error {
	first, last, err := bounds(s)
	if err != nil || last == 0 {
		return err
	}
	for i := first; i <= last; i++ {
		var l raft.Log
		if err := s.GetLog(i, &l); err != nil {
			return fmt.Errorf("log entry %d of %d to %d: %w", i, first, last, err)
		}
		if l.Index != i {
			return fmt.Errorf("log entry %d says that it is %d", i, l.Index)
		}
		if l.Type != raft.LogCommand {
			continue
		}
		if _, err := entryBody(l.Data); err != nil {
			return fmt.Errorf("log entry %d: %w", i, err)
		}
	}
	return nil
}

func bounds(s raft.LogStore) (first, last uint64, err error) {
	if first, err = s.FirstIndex(); err != nil {
		return 0, 0, err
	}
	last, err = s.LastIndex()
	return first, last, err
}

// checkSnapshots makes sure that the newest snapshot that can be read and the
// log meet. raft would fall back from a damaged one to an older one without
// looking whether the log still reaches back to it.
func checkSnapshots(dir string, snaps raft.SnapshotStore, logs raft.LogStore) error {
	path := filepath.Join(dir, snapshotDir)
	list, err := snaps.List()
	if err != nil {
		return damaged(path, err)
	}
	var base uint64
	var bad error
	for _, m := range list {
		_, r, err := snaps.Open(m.ID) // reads it whole, for its CRC
		if err != nil {
			bad = errors.Join(bad, fmt.Errorf("snapshot %s: %w", m.ID, err))
			continue
		}
		if err := r.Close(); err != nil {
			return fmt.Errorf("raftmeta: closing snapshot %s: %w", m.ID, err)
		}
		base = m.Index
		break
	}
	first, last, err := bounds(logs)
	if err != nil {
		return damaged(filepath.Join(dir, logFile), err)
	}
	switch {
	case last != 0 && first > base+1:
		return damaged(path, errors.Join(bad, fmt.Errorf("the log begins at %d, the newest readable snapshot ends at %d", first, base)))
	case last == 0 && bad != nil:
		return damaged(path, bad)
	}
	return nil
}

// makeDir makes dir and what leads to it, each with its name durable: the log is
// worth nothing when a power cut takes the directory that it lies in.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("raftmeta: %w", err)
	}
	return syncDir(parent)
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("raftmeta: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("raftmeta: making the names in %s durable: %w", dir, err)
	}
	return nil
}
