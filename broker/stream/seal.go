package stream

import (
	"time"

	"github.com/tidelog/tide/broker/logcache"
	"github.com/tidelog/tide/broker/upload"
	"github.com/tidelog/tide/broker/wal"
)

// seal is a sealed block that waits to be durable.
type seal struct {
	block   *logcache.Block
	confirm wal.Offset // START of its last record
	filled  time.Duration
}

// sealLocked closes the active block. Under mu no append is between its WAL
// offset and its cache entry, so the last record reserved is the block's last:
// every record up to it is in this block or an earlier one (rule 2).
func (e *Engine) sealLocked() {
	b := e.cache.Seal()
	if b == nil {
		return
	}
	e.sealings.Stop()
	e.onTheWay++
	e.sealed = append(e.sealed, seal{block: b, confirm: e.last, filled: e.filling()})
	e.enqueueDurable()
}

// filling is how long the active block has been filling; zero during recovery.
func (e *Engine) filling() time.Duration {
	if e.began.IsZero() {
		return 0
	}
	return time.Since(e.began)
}

// enqueueDurable hands the sealed blocks to the uploader whose records are all
// durable: nothing beyond the durable prefix is uploaded (rule 2).
func (e *Engine) enqueueDurable() {
	for len(e.sealed) > 0 && e.sealed[0].confirm < e.durable {
		s := e.sealed[0]
		e.sealed[0] = seal{}
		e.sealed = e.sealed[1:]
		e.uploader.Enqueue(upload.Job{Block: s.block, Confirm: int64(s.confirm), Filled: s.filled})
	}
}

// sealIfDue seals before a record at WAL offset at is entered: when the block
// holds the threshold of payload (so that four streams that share one give four
// objects of a quarter each, never a little less), or more of the ring than
// would leave the next block room, or when half of the WAL is in use and no
// upload is on the way that will free some of it (else every append would seal
// a small block until the first commit arrives). It reports whether the record
// begins a block.
func (e *Engine) sealIfDue(at wal.Offset) bool {
	payload, ring := e.cache.ActiveLevel()
	full := payload >= e.cfg.UploadThreshold || ring > e.cacheSize/8*5
	due := full || (e.onTheWay == 0 && int64(at-e.trimmed) > e.ring/2)
	if due && ring > 0 {
		e.sealLocked()
	}
	return due || ring == 0
}

// halfUsed asks the WAL itself: for the slow path.
func (e *Engine) halfUsed() bool {
	st := e.wal.Stats()
	return st.Use*2 >= st.RingCapacity
}

// sealOld is the timer's: the active block has reached the upload interval.
func (e *Engine) sealOld() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.failed != nil {
		return
	}
	if e.onTheWay >= mostSmall {
		e.sealings.Reset(e.cfg.UploadInterval)
		return
	}
	e.sealLocked()
}

// mostSmall is how many blocks may be on their way before one is sealed because
// of its age alone: while the store is away, a trickle then collects in one
// block rather than in one an interval.
const mostSmall = 16

// committed is the uploader's callback: the local replica has applied the
// block's commit, so its memory may go and the WAL be trimmed (rule 3).
func (e *Engine) committed(j upload.Job) {
	e.cache.Committed(j.Block)
	if j.Confirm >= 0 {
		if err := e.wal.Trim(wal.Offset(j.Confirm)); err != nil {
			e.cfg.Logger.Error("trim the WAL", "offset", j.Confirm, "error", err)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.onTheWay--
	e.trimmed = max(e.trimmed, wal.Offset(j.Confirm))
	e.wakeSpaceLocked()
}

// urgent is the uploader's question whether to make haste rather than spread an
// upload out: before the node serves, and when producers wait for it, or are
// about to because what waits for its upload takes half of the cache or of the
// WAL.
func (e *Engine) urgent() bool {
	return !e.serving.Load() || e.cache.Waiting() > e.cacheSize/2 || e.halfUsed() || e.isShort()
}

func (e *Engine) isShort() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.short
}
