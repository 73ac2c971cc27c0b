package partition

import (
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

const (
	// keptBatches is how many batches of a producer are remembered; a client
	// has at most five in flight, so an older one is never sent again.
	keptBatches = 5
	// maxProducers bounds the producers remembered per partition, and with
	// them the state record that goes with every commit (about 60 bytes each).
	// Beyond it the one that has been silent for longest is forgotten, as if
	// it had expired: its next batch is accepted whatever its sequence.
	maxProducers = 1000
)

// sequenced is what is remembered of one batch of a producer.
type sequenced struct {
	first, last int32 // sequence numbers of the first and the last record
	base        int64 // offset of the first record
	delta       int32 // records − 1
	timestamp   int64 // largest in the batch, ms
}

// producer is the state of one producer id: its newest epoch and the batches
// last appended under it, oldest first.
type producer struct {
	id      int64
	epoch   int16
	batches [keptBatches]sequenced
	n       int

	// seen is when the broker last heard of it. It is not part of the fold: a
	// clock has no place there. Producers are kept in order of their last
	// append, so those that expire and those that the bound forgets are both
	// taken from the same end, and what the broker knows is the fold's state
	// without some of its oldest.
	seen time.Time

	older, newer *producer
}

func (p *producer) last() sequenced { return p.batches[p.n-1] }

// push remembers a batch, if need be at the cost of the oldest one.
func (p *producer) push(s sequenced) {
	if p.n == keptBatches {
		copy(p.batches[:], p.batches[1:])
		p.n--
	}
	p.batches[p.n] = s
	p.n++
}

// producers holds the state of all producer ids of a partition.
type producers struct {
	byID map[int64]*producer
	ends producer // ends.newer is the oldest producer, ends.older the newest

	forgotten int64 // producers dropped for the bound, a counter
}

func newProducers() *producers {
	t := &producers{byID: make(map[int64]*producer)}
	t.ends.newer, t.ends.older = &t.ends, &t.ends
	return t
}

// verdict is what check found out about a batch.
type verdict struct {
	duplicate bool
	original  sequenced // of which it is a duplicate
}

// check decides whether a batch may be appended, without changing anything.
// The rules are Kafka's: a batch among the last five of the same epoch is a
// duplicate; a producer that is not known may start anywhere (its state may
// have expired, KIP-360); a new epoch starts at sequence 0; within an epoch
// sequence numbers leave no gap.
func (t *producers) check(h Header) (verdict, error) {
	if !h.Idempotent() {
		return verdict{}, nil
	}
	p := t.byID[h.ProducerID]
	if p == nil {
		return verdict{}, nil
	}
	if h.ProducerEpoch < p.epoch {
		return verdict{}, fmt.Errorf("%w: producer %d has epoch %d, its newest is %d", kerr.InvalidProducerEpoch, h.ProducerID, h.ProducerEpoch, p.epoch)
	}
	if h.ProducerEpoch > p.epoch {
		if h.BaseSequence != 0 {
			return verdict{}, fmt.Errorf("%w: producer %d starts epoch %d with %d", kerr.OutOfOrderSequenceNumber, h.ProducerID, h.ProducerEpoch, h.BaseSequence)
		}
		return verdict{}, nil
	}
	for _, s := range p.batches[:p.n] {
		if s.first == h.BaseSequence && s.last == h.lastSequence() {
			return verdict{duplicate: true, original: s}, nil
		}
	}
	if want := addSequence(p.last().last, 1); h.BaseSequence != want {
		return verdict{}, fmt.Errorf("%w: producer %d sent %d after %d", kerr.OutOfOrderSequenceNumber, h.ProducerID, h.BaseSequence, p.last().last)
	}
	return verdict{}, nil
}

// apply remembers an appended batch. It is the fold: it refuses nothing, and
// a batch that does not go on where the last one ended (the broker had let
// its producer expire) starts the producer anew.
func (t *producers) apply(h Header) *producer {
	if !h.Idempotent() {
		return nil
	}
	p := t.byID[h.ProducerID]
	switch {
	case p == nil:
		p = &producer{id: h.ProducerID}
		t.byID[p.id] = p
	default:
		p.unlink()
	}
	if p.n > 0 && (h.ProducerEpoch != p.epoch || h.BaseSequence != addSequence(p.last().last, 1)) {
		p.n = 0
	}
	p.epoch = h.ProducerEpoch
	p.push(sequenced{first: h.BaseSequence, last: h.lastSequence(), base: h.BaseOffset, delta: h.LastOffsetDelta, timestamp: h.MaxTimestamp})
	t.link(p)
	if len(t.byID) > maxProducers {
		t.drop(t.ends.newer)
		t.forgotten++
	}
	return p
}

// expire forgets the producers last seen before the given time.
func (t *producers) expire(before time.Time) {
	for p := t.ends.newer; p != &t.ends && p.seen.Before(before); p = t.ends.newer {
		t.drop(p)
	}
}

// each calls fn for every producer, the one that has been silent for longest
// first.
func (t *producers) each(fn func(*producer)) {
	for p := t.ends.newer; p != &t.ends; p = p.newer {
		fn(p)
	}
}

// link makes p the newest.
func (t *producers) link(p *producer) {
	p.older, p.newer = t.ends.older, &t.ends
	p.older.newer, t.ends.older = p, p
}

func (p *producer) unlink() {
	p.older.newer, p.newer.older = p.newer, p.older
}

func (t *producers) drop(p *producer) {
	p.unlink()
	delete(t.byID, p.id)
}

// addSequence adds to a sequence number, which wraps from the largest int32
// to 0.
func addSequence(seq, n int32) int32 {
	return int32((int64(seq) + int64(n)) & math.MaxInt32)
}
