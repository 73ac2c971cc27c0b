package shape

import (
	"math/bits"
	"time"
)

// LogStats are a log's counters: what was written, and how long that took.
type LogStats struct {
	Writes   int64
	Bytes    int64         // of these writes
	InFlight time.Duration // that they took, summed up
}

// Yield decides how many reads of the store may be in flight while a log is
// written that shares a disk, a network or processors with them:
//
//	reads  most ─┐        ┌── one more a look, while the log is as fast as it was
//	             └┐  ┌────┘
//	       least  └──┘ half as many, when its writes take twice as long
//
// The log is its own measure, by the size of its writes: the shortest time that
// they took lately, which is let grow by a half in ten seconds, so that a disk
// that has become slower is no reason to read nothing. Congestion control by
// delay does the same (Brakmo, O'Malley and Peterson, "TCP Vegas", 1994), with
// the reads as the sender and the log's writes as the probe. And like a sender
// after a pause, reads that begin beside a log begin with few. A store whose reads
// do the log no harm, S3 behind a network of its own, keeps all places.
type Yield struct {
	most, places int
	last         LogStats
	sizes        [yieldSizes]yieldTime // by a write's power of two from 4 KiB on
}

// yieldTime is what a write of some size takes, ns; 0: not seen yet.
type yieldTime struct{ mean, best float64 }

const (
	// YieldEvery is how often Look is to be called.
	YieldEvery = 25 * time.Millisecond

	yieldSizes  = 16
	yieldStart  = 4            // reads in flight to begin with
	yieldLeast  = 2            // reads in flight that are always allowed
	yieldHarm   = 2            // times the best
	yieldFade   = 1 + 1.0/1024 // of the best, each look
	yieldSmooth = 0.25         // weight of the newest look
	yieldFew    = 3            // writes in a look that say anything
)

// NewYield begins with all places.
func NewYield(most int) *Yield { return &Yield{most: most, places: most} }

// Look takes the log's counters, and how many reads are in flight or wait for a
// place, and returns how many may be in flight.
func (y *Yield) Look(now LogStats, reads int) int {
	writes, bytes, took := now.Writes-y.last.Writes, now.Bytes-y.last.Bytes, now.InFlight-y.last.InFlight
	y.last = now
	if writes < yieldFew {
		y.places = min(y.most, y.places+max(1, y.places/4))
		return y.places
	}
	size := &y.sizes[min(bits.Len64(uint64(bytes/writes)>>13), yieldSizes-1)]
	switch harmed := size.harmed(float64(took) / float64(writes)); {
	case harmed:
		y.places = max(min(yieldLeast, y.most), y.places/2)
	case reads <= yieldStart: // what reads would do is not known
		y.places = min(y.places, yieldStart, y.most)
	default:
		y.places = min(y.most, y.places+1)
	}
	return y.places
}

// harmed takes what a write took and says whether that is too long.
func (t *yieldTime) harmed(each float64) bool {
	if t.best == 0 {
		t.mean, t.best = each, each
	}
	t.mean += yieldSmooth * (each - t.mean)
	t.best = min(t.best*yieldFade, t.mean)
	return t.mean > yieldHarm*t.best
}
