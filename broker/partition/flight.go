package partition

import (
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
)

// inFlight is one append on its way to the device. They are pooled, and finish
// is bound once, so that an append allocates nothing here.
type inFlight struct {
	f      *flight
	end    int64
	res    AppendResult
	done   func(AppendResult)
	finish func(error)
}

var inFlightPool sync.Pool

func newInFlight() *inFlight {
	if a, ok := inFlightPool.Get().(*inFlight); ok {
		return a
	}
	a := new(inFlight)
	a.finish = a.complete
	return a
}

func (a *inFlight) release() {
	a.f, a.done, a.res = nil, nil, AppendResult{}
	inFlightPool.Put(a)
}

// complete answers the append and the duplicates that waited for it.
func (a *inFlight) complete(err error) {
	f, end, res, done := a.f, a.end, a.res, a.done
	a.release()
	if err != nil {
		res.Err = fmt.Errorf("%w: %w", kerr.KafkaStorageError, err)
	}
	ready := f.settle(end, res.Err)
	done(res)
	for _, d := range ready {
		d.res.Err = res.Err
		d.done(d.res)
	}
}

// maxWaiting bounds the duplicates that wait per partition. A producer sends a
// batch again only after its connection broke, so a few are usual.
const maxWaiting = 1024

// flight knows how far the partition is durable and who waits for more.
type flight struct {
	mu      sync.Mutex
	durable int64       // guarded by mu; end of the last append that succeeded
	failed  error       // guarded by mu; the first failure, for good
	waiting []duplicate // guarded by mu

	refused int64 // guarded by mu; duplicates turned away for maxWaiting
}

// duplicate waits for the batch that ends at end.
type duplicate struct {
	end  int64
	res  AppendResult
	done func(AppendResult)
}

// settle records the fate of the append that ends at end and returns the
// duplicates that share it.
//
// A duplicate cannot be missed: join looks at durable and failed, and enters
// the list, under the same lock under which they change here.
func (f *flight) settle(end int64, err error) []duplicate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		if f.failed == nil {
			f.failed = err
		}
		ready := f.waiting
		f.waiting = nil
		return ready
	}
	f.durable = max(f.durable, end)
	if len(f.waiting) == 0 {
		return nil
	}
	var ready []duplicate
	kept := f.waiting[:0]
	for _, d := range f.waiting {
		if d.end <= f.durable {
			ready = append(ready, d)
		} else {
			kept = append(kept, d)
		}
	}
	f.waiting = kept
	return ready
}

// join answers a duplicate at once when its original is durable, else makes it
// wait.
func (f *flight) join(end int64, res AppendResult, done func(AppendResult)) (*AppendResult, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case end <= f.durable:
		return &res, nil
	case f.failed != nil:
		return nil, f.failed
	case len(f.waiting) >= maxWaiting:
		f.refused++
		return nil, fmt.Errorf("%w: %d duplicates wait already", kerr.RequestTimedOut, maxWaiting)
	}
	f.waiting = append(f.waiting, duplicate{end, res, done})
	return nil, nil
}

func (f *flight) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}
