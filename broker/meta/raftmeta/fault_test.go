package raftmeta

import (
	"sync"

	"github.com/hashicorp/raft"
)

// faultStore fails or holds writes of the store below it.
type faultStore struct {
	store

	mu      sync.Mutex
	err     error         // guarded by mu; what StoreLogs answers with, though the logs are stored
	holding chan struct{} // guarded by mu; StoreLogs waits until it is closed
	entered chan struct{} // gets one for each StoreLogs that waits
	setErr  func(n int) error
	sets    int // guarded by mu; calls of SetUint64
	writes  int // guarded by mu; calls of StoreLogs
}

func newFaultStore() *faultStore {
	return &faultStore{entered: make(chan struct{}, 100), setErr: func(int) error { return nil }}
}

func (f *faultStore) wrap(s store) store {
	f.store = s
	return f
}

func (f *faultStore) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// hold makes writes wait until the function that it returns is called.
func (f *faultStore) hold() (release func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.holding = make(chan struct{})
	return sync.OnceFunc(func() { close(f.holding) })
}

func (f *faultStore) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}

func (f *faultStore) StoreLogs(logs []*raft.Log) error {
	f.mu.Lock()
	f.writes++
	err, holding := f.err, f.holding
	f.mu.Unlock()
	if holding != nil {
		f.entered <- struct{}{}
		<-holding
	}
	if serr := f.store.StoreLogs(logs); serr != nil {
		return serr
	}
	return err
}

func (f *faultStore) SetUint64(key []byte, val uint64) error {
	f.mu.Lock()
	f.sets++
	n := f.sets
	f.mu.Unlock()
	if err := f.setErr(n); err != nil {
		return err
	}
	return f.store.SetUint64(key, val)
}
