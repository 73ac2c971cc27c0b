package raftmeta

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/hashicorp/raft"
)

// ErrLatched is wrapped by every write after the first one that failed.
var ErrLatched = errors.New("raftmeta: log latched by an earlier failure")

// store is what raft keeps its log, term and vote in.
type store interface {
	raft.LogStore
	raft.StableStore
	Close() error
}

// latch is rule 6 for raft's log. After a failed write nobody knows what the
// file holds: a page may be on the disk, in the page cache only, or nowhere.
// raft takes the error, steps down, is elected and appends again, and a later
// fsync that succeeds says nothing about the pages of the failed one. So the
// first error of a write is the answer to every write after it, until a restart
// reads what is really there. Reads pass: nothing is acknowledged by a read.
type latch struct {
	store
	onFail func(error) // called once, by the write that failed, before it returns

	mu   sync.Mutex
	err  error // guarded by mu; the first failure
	halt bool  // guarded by mu; raft's own goroutines run: see SetUint64
}

func newLatch(s store, onFail func(error)) *latch { return &latch{store: s, onFail: onFail} }

// write runs one write unless the latch is closed.
func (l *latch) write(what string, op func() error) error {
	if err := l.failure(); err != nil {
		return err
	}
	err := op()
	if err == nil {
		return l.failure() // a write that overlapped the failed one is not trusted either
	}
	return l.trip(fmt.Errorf("%s: %w", what, err))
}

func (l *latch) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// trip closes the latch and returns the error that closed it.
func (l *latch) trip(err error) error {
	l.mu.Lock()
	first := l.err == nil
	if first {
		l.err = fmt.Errorf("%w: %w", ErrLatched, err)
	}
	err = l.err
	l.mu.Unlock()
	if first {
		l.onFail(err)
	}
	return err
}

// arm says that from now on SetUint64 is called by raft's goroutine only.
func (l *latch) arm() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.halt = true
}

func (l *latch) armed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.halt
}

// StoreLog implements raft.LogStore.
func (l *latch) StoreLog(log *raft.Log) error {
	return l.write("StoreLog", func() error { return l.store.StoreLog(log) })
}

// StoreLogs implements raft.LogStore.
func (l *latch) StoreLogs(logs []*raft.Log) error {
	return l.write("StoreLogs", func() error { return l.store.StoreLogs(logs) })
}

// DeleteRange implements raft.LogStore.
func (l *latch) DeleteRange(first, last uint64) error {
	return l.write("DeleteRange", func() error { return l.store.DeleteRange(first, last) })
}

// Set implements raft.StableStore.
func (l *latch) Set(key, val []byte) error {
	return l.write("Set", func() error { return l.store.Set(key, val) })
}

// SetUint64 implements raft.StableStore. raft panics when it cannot save its
// term, and a stack trace is not the one clear line that a full disk deserves.
// onFail has reported the failure and told raft to shut down by now; ending the
// goroutine here, which raft counts out with a defer, is what shutting down would
// do to it at its next step. Before raft runs, the caller gets the error.
func (l *latch) SetUint64(key []byte, val uint64) error {
	err := l.write("SetUint64", func() error { return l.store.SetUint64(key, val) })
	if err != nil && l.armed() {
		runtime.Goexit()
	}
	return err
}
