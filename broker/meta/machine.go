package meta

import (
	"context"
	"sync"
)

// Machine is a State with the log of its changes, shared between the one that
// applies commands and those that follow: what a controller is made of. Safe
// for concurrent use.
type Machine struct {
	mu       sync.Mutex
	state    *State        // guarded by mu
	log      changeLog     // guarded by mu
	advanced chan struct{} // guarded by mu; closed and replaced whenever the index moves
	closed   bool          // guarded by mu
	images   uint64        // guarded by mu
}

// NewMachine starts empty, with a change log of the bounds given.
func NewMachine(limits LogLimits) *Machine {
	return &Machine{
		state:    NewState(NewImage()),
		log:      changeLog{limits: limits.withDefaults()},
		advanced: make(chan struct{}),
	}
}

// Apply executes the command at index and wakes the followers, which learn of
// every index, also of one that changed nothing: somebody may wait for it.
func (m *Machine) Apply(index uint64, cmd Command) (Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	res, changes, err := m.state.Apply(index, cmd)
	if len(changes) > 0 {
		m.log.add(Entry{Index: index, Changes: changes})
	}
	m.wake()
	return res, err
}

// Restore goes on from im, which the machine owns from then on. Followers that
// have not reached its index get an image.
func (m *Machine) Restore(im *Image) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = NewState(im)
	m.log.restart(im.index)
	m.wake()
}

// wake is called with mu held.
func (m *Machine) wake() {
	close(m.advanced)
	m.advanced = make(chan struct{})
}

// Image is an independent copy of the state now.
func (m *Machine) Image() *Image {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.im.Clone()
}

// Index of the last command applied.
func (m *Machine) Index() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state.im.index
}

// Follow implements Controller's.
func (m *Machine) Follow(ctx context.Context, after uint64) (Update, error) {
	for {
		u, wait, err := m.poll(after)
		if wait == nil {
			return u, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return Update{}, ctx.Err()
		}
	}
}

// poll gives an update, or the channel to wait on for the next one. A follower
// that is ahead waits too: it followed a machine that now replays its log.
func (m *Machine) poll(after uint64) (Update, <-chan struct{}, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return Update{}, nil, ErrClosed
	case after < m.log.from:
		m.images++
		im := m.state.im.Clone()
		return Update{Index: im.index, Image: im}, nil, nil
	case after < m.state.im.index:
		return m.log.since(after, m.state.im.index), nil, nil
	}
	return Update{}, m.advanced, nil
}

// Close ends every Follow with ErrClosed.
func (m *Machine) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.wake()
}

// MachineStats are counters since the start, and what the change log holds now.
type MachineStats struct {
	Index      uint64 // of the last command applied
	LogEntries int    // in the change log
	LogBytes   int    // in the change log, roughly
	Dropped    uint64 // entries that left the change log because it was full
	Images     uint64 // followers that had to take an image
}

// Stats is a snapshot of the counters.
func (m *Machine) Stats() MachineStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return MachineStats{
		Index:      m.state.im.index,
		LogEntries: len(m.log.entries),
		LogBytes:   m.log.bytes,
		Dropped:    m.log.dropped,
		Images:     m.images,
	}
}
