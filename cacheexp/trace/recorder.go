package trace

import (
	"bufio"
	"io"
	"sync"
	"sync/atomic"
)

// queueLength is how many accesses may wait to be written: 4.5 MiB of memory,
// and about a tenth of a second of the fastest cache.
const queueLength = 64 << 10

// Recorder writes accesses to a file from a goroutine of its own.
type Recorder struct {
	queue   chan Access
	written atomic.Int64
	lost    atomic.Int64

	mu     sync.RWMutex // held by Record against Close; never waited for by Record
	closed bool         // guarded by mu
	done   chan struct{}
	err    error // after done: the first error of the file
}

// NewRecorder writes a header to w and begins. The caller closes w, after
// Close.
func NewRecorder(w io.Writer) *Recorder { return newRecorder(w, queueLength) }

func newRecorder(w io.Writer, length int) *Recorder {
	r := &Recorder{queue: make(chan Access, length), done: make(chan struct{})}
	go r.run(w)
	return r
}

// Record notes an access. It waits for nothing: when the queue is full, when
// the file could not be written, and after Close, the access is counted as
// lost.
func (r *Recorder) Record(a Access) {
	if !r.mu.TryRLock() { // it is being closed
		r.lost.Add(1)
		return
	}
	defer r.mu.RUnlock()
	if r.closed {
		r.lost.Add(1)
		return
	}
	select {
	case r.queue <- a:
	default:
		r.lost.Add(1)
	}
}

// Totals so far. What is still in the queue is in neither count.
func (r *Recorder) Totals() Totals {
	return Totals{Accesses: r.written.Load(), Lost: r.lost.Load()}
}

// Close writes what is in the queue and the end of the file, and returns the
// first error that the file had.
func (r *Recorder) Close() error {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.queue)
	}
	r.mu.Unlock()
	<-r.done
	return r.err
}

// run writes until the queue is closed. With nothing to do it flushes, so that
// a broker that is killed leaves all but the last moments.
func (r *Recorder) run(w io.Writer) {
	defer close(r.done)
	out := bufio.NewWriterSize(w, 256<<10)
	_, r.err = out.Write(header())
	marked := int64(0)
	item := make([]byte, 0, itemSize)
	for a := range r.queue {
		if lost := r.lost.Load(); lost > marked {
			marked = lost
			r.write(out, appendMark(item, lostMark, r.Totals()))
		}
		r.write(out, appendAccess(item, a))
		if r.err != nil {
			r.lost.Add(1)
			continue
		}
		r.written.Add(1)
		if len(r.queue) == 0 {
			r.err = out.Flush()
		}
	}
	r.write(out, appendMark(item, endMark, r.Totals()))
	if r.err == nil {
		r.err = out.Flush()
	}
}

// write keeps the first error; nothing is written after it.
func (r *Recorder) write(out *bufio.Writer, item []byte) {
	if r.err == nil {
		_, r.err = out.Write(item)
	}
}
