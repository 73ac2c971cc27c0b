package load

import (
	"sync"
	"sync/atomic"
)

// maxFailures bounds the memory of a load whose target is gone. Beyond it the
// load cannot be verified, and Verify says so.
const maxFailures = 1 << 20

// Ledger is what the producers know: how many records each sent to each
// partition, and which of them were never acknowledged.
type Ledger struct {
	producers, partitions int

	sent []atomic.Int64 // [producer × partitions + partition]; one writer each

	mu       sync.Mutex
	failed   map[int]map[int64]struct{} // guarded by mu: cell → sequences of unknown outcome
	failures int                        // guarded by mu
}

// NewLedger serves the given numbers of producers and partitions.
func NewLedger(producers, partitions int) *Ledger {
	return &Ledger{
		producers: producers, partitions: partitions,
		sent:   make([]atomic.Int64, producers*partitions),
		failed: map[int]map[int64]struct{}{},
	}
}

func (l *Ledger) cell(producer, partition int) int { return producer*l.partitions + partition }

// next gives the sequence of the next record of a pair. Called by the one
// goroutine that sends for this producer.
func (l *Ledger) next(producer, partition int) int64 {
	return l.sent[l.cell(producer, partition)].Add(1) - 1
}

// fail records that the outcome of a record is unknown.
func (l *Ledger) fail(producer, partition int, sequence int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures++
	if l.failures > maxFailures {
		return
	}
	c := l.cell(producer, partition)
	if l.failed[c] == nil {
		l.failed[c] = map[int64]struct{}{}
	}
	l.failed[c][sequence] = struct{}{}
}

func (l *Ledger) isFailed(cell int, sequence int64) bool {
	_, ok := l.failed[cell][sequence]
	return ok
}
