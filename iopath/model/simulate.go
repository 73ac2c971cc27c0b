package model

import (
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/tidelog/tide/internal/align"
	"github.com/tidelog/tide/iopath"
)

// Arrival is one record that is to be written.
type Arrival struct {
	At   time.Duration // since the beginning; not before the one ahead of it
	Size int64         // bytes that it takes in the WAL
}

// Writer says how records become writes.
type Writer struct {
	// Depth is how many writes may be in flight; records wait, and gather,
	// while there are as many. Default 1.
	Depth int
	// Block is the largest write in bytes. 0 writes each record by itself.
	Block int64
	// IOPS is how many writes the writer starts in a second; records gather
	// meanwhile. 0 starts one whenever depth allows: on a volume that is
	// limited by IOPS all of depth then waits in the volume's queue, and no
	// record joins a write that waits there.
	IOPS int64
}

// Prediction is what Simulate comes to. A record's latency is from its arrival
// to its acknowledgement in order: when its own write and all earlier ones are
// done.
type Prediction struct {
	Records, Writes      int
	Mean, P50, P99, P999 time.Duration
	Max                  time.Duration
	Bytes                int64         // written, padding included
	End                  time.Duration // when the last record was acknowledged
	Latencies            []time.Duration
}

// Simulate runs the arrivals through a writer and a volume: the least latency
// that a WAL without any cost of its own could have on that volume. A measured
// WAL is quoted beside it.
func Simulate(v Volume, seed uint64, w Writer, arrivals []Arrival) Prediction {
	s := &simulation{queue: NewQueue(v, seed), depth: max(1, w.Depth), block: w.Block, pace: bucket{perSecond: w.IOPS}}
	p := Prediction{Records: len(arrivals), Latencies: make([]time.Duration, 0, len(arrivals))}
	ordered := time.Duration(0)
	for len(arrivals) > 0 {
		at := s.pace.take(s.free(arrivals[0].At), 1, 0)
		n, size := s.gather(arrivals, at)
		ordered = max(ordered, s.write(at, size))
		for _, a := range arrivals[:n] {
			p.Latencies = append(p.Latencies, ordered-a.At)
		}
		arrivals = arrivals[n:]
		p.Writes++
		p.Bytes += size
	}
	p.End = ordered
	p.summarise()
	return p
}

// simulation is the writer's side: what is in flight, and where it writes.
type simulation struct {
	queue    *Queue
	depth    int
	block    int64
	pace     bucket
	inFlight []time.Duration // when each is done, sorted
	pos      int64
}

// free is when the next write may start: now, or when one in flight is done.
func (s *simulation) free(now time.Duration) time.Duration {
	for len(s.inFlight) > 0 && (s.inFlight[0] <= now || len(s.inFlight) >= s.depth) {
		now = max(now, s.inFlight[0])
		s.inFlight = slices.Delete(s.inFlight, 0, 1)
	}
	return now
}

// gather takes what has arrived, up to a block, and at least one record.
func (s *simulation) gather(arrivals []Arrival, now time.Duration) (n int, size int64) {
	size, n = arrivals[0].Size, 1
	for s.block > 0 && n < len(arrivals) && arrivals[n].At <= now && size+arrivals[n].Size <= s.block {
		size += arrivals[n].Size
		n++
	}
	return n, align.Up(size, iopath.BlockSize)
}

func (s *simulation) write(now time.Duration, size int64) (done time.Duration) {
	done = s.queue.Arrive(now, s.pos, size)
	s.pos += size
	i, _ := slices.BinarySearch(s.inFlight, done)
	s.inFlight = slices.Insert(s.inFlight, i, done)
	return done
}

// Without is the prediction with the latencies of the first n records left out,
// as a measurement leaves out its warm-up. The other numbers are of all.
func (p Prediction) Without(n int) Prediction {
	p.Latencies = p.Latencies[min(max(n, 0), len(p.Latencies)):]
	p.Mean, p.P50, p.P99, p.P999, p.Max = 0, 0, 0, 0, 0
	p.summarise()
	return p
}

func (p *Prediction) summarise() {
	if len(p.Latencies) == 0 {
		return
	}
	h := hdrhistogram.New(1, int64(time.Hour), 4)
	sum := time.Duration(0)
	for _, l := range p.Latencies {
		sum += l
		_ = h.RecordValue(min(max(1, int64(l)), int64(time.Hour))) // within its bounds
	}
	p.Mean = sum / time.Duration(len(p.Latencies))
	quantile := func(q float64) time.Duration { return time.Duration(h.ValueAtQuantile(q)) }
	p.P50, p.P99, p.P999, p.Max = quantile(50), quantile(99), quantile(99.9), slices.Max(p.Latencies)
}
