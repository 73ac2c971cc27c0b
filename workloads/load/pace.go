package load

import (
	"context"
	"math"
	"sync/atomic"
	"time"
)

// pace holds readers to a rate. It counts from their first record, so what was
// lost to a stall is made up for.
type pace struct {
	rate atomic.Uint64 // bytes a second as float64 bits; 0: as fast as it goes
}

// Pace holds all of these readers together to a rate, from now on. A client
// goes on to fetch ahead, one answer at most.
func (r *Readers) Pace(bytesPerSecond float64) { r.pace.rate.Store(math.Float64bits(bytesPerSecond)) }

// due is the time at which so many bytes may have been read.
func (p *pace) due(first, bytes int64) (at int64, held bool) {
	rate := math.Float64frombits(p.rate.Load())
	if rate <= 0 || first == 0 {
		return 0, false
	}
	return first + int64(float64(bytes)/rate*float64(time.Second)), true
}

// hold waits until more may be read, or ctx ends.
func (r *Readers) hold(ctx context.Context) {
	at, held := r.pace.due(r.first.Load(), r.readB.Load())
	if !held {
		return
	}
	t := time.NewTimer(time.Duration(at - r.load.clock.Now()))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
