package load

import (
	"sync"
	"sync/atomic"
)

// maxFailures bounds the memory of a load whose target is gone. Beyond it the
// load cannot be verified, and Verify says so.
const maxFailures = 1 << 20

// Ledger is what the producers know: how many records each lane sent to each
// partition, and which of them were never acknowledged. Its memory is 8 bytes a
// pair (see layout), which Config bounds.
type Ledger struct {
	plan *layout
	sent []atomic.Int64 // by pair; one writer each

	mu       sync.Mutex
	failed   map[int]map[int64]struct{} // guarded by mu: pair → sequences of unknown outcome
	failures int                        // guarded by mu
}

func newLedger(plan *layout) *Ledger {
	return &Ledger{plan: plan, sent: make([]atomic.Int64, plan.pairs), failed: map[int]map[int64]struct{}{}}
}

// next gives the sequence of the next record of a pair. Called by the one
// goroutine that sends for this lane.
func (l *Ledger) next(lane, cell int) int64 {
	return l.sent[l.plan.pair(lane, cell)].Add(1) - 1
}

// fail records that the outcome of a record is unknown.
func (l *Ledger) fail(lane, cell int, sequence int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures++
	if l.failures > maxFailures {
		return
	}
	p := l.plan.pair(lane, cell)
	if l.failed[p] == nil {
		l.failed[p] = map[int64]struct{}{}
	}
	l.failed[p][sequence] = struct{}{}
}

func (l *Ledger) isFailed(pair int, sequence int64) bool {
	_, ok := l.failed[pair][sequence]
	return ok
}
