package load

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/tidelog/tide/results"
)

// maxGaps bounds what a reader remembers of sequences it has not seen yet,
// over all partitions. A load with more is broken beyond counting.
const maxGaps = 1 << 16

// maxSamples of faults are kept as text.
const maxSamples = 10

// Verifier checks the records of one reading of the log, by one or several
// consumers. Its memory is one number per producer and partition, plus gaps.
type Verifier struct {
	parts []partitionCheck
	gaps  atomic.Int64

	mu      sync.Mutex
	samples []string // guarded by mu
	over    atomic.Bool
}

type partitionCheck struct {
	mu     sync.Mutex
	offset int64   // next offset expected; lower ones are redeliveries
	next   []int64 // by producer: next sequence expected
	gaps   []gap   // sequences that were jumped over, few
	out    results.Verification
}

// gap is the sequences [from, to) of a producer, not seen though later ones were.
type gap struct {
	producer int
	from, to int64
}

// NewVerifier serves the given numbers of producers and partitions.
func NewVerifier(producers, partitions int) *Verifier {
	v := &Verifier{parts: make([]partitionCheck, partitions)}
	for i := range v.parts {
		v.parts[i].next = make([]int64, producers)
	}
	return v
}

// Observe checks one record of a partition. It returns the stamp and whether
// the record is one to time: intact, and not delivered before.
func (v *Verifier) Observe(partition int, offset int64, value []byte) (Stamp, bool) {
	s, err := ReadStamp(value) // outside the lock: the CRC is the work
	p := &v.parts[partition]
	p.mu.Lock()
	defer p.mu.Unlock()
	if offset < p.offset {
		p.out.Redelivered++
		return s, false
	}
	p.offset = offset + 1
	p.out.Records++
	p.out.Bytes += int64(len(value))
	switch {
	case errors.Is(err, ErrCorrupt):
		p.out.Corrupt++
	case err != nil || int(s.Partition) != partition || int(s.Producer) >= len(p.next) || s.Sequence < 0:
		p.out.Foreign++
		if err == nil {
			err = fmt.Errorf("%w: it belongs to partition %d of producer %d", ErrForeign, s.Partition, s.Producer)
		}
	default:
		v.sequence(p, partition, offset, s)
		return s, true
	}
	v.sample("partition %d offset %d: %v", partition, offset, err)
	return s, false
}

// sequence places an intact record. Called with p.mu held.
func (v *Verifier) sequence(p *partitionCheck, partition int, offset int64, s Stamp) {
	producer := int(s.Producer)
	want := p.next[producer]
	switch {
	case s.Sequence == want:
		p.next[producer]++
	case s.Sequence > want:
		v.jump(p, gap{producer, want, s.Sequence})
		p.next[producer] = s.Sequence + 1
	case v.fill(p, producer, s.Sequence):
		p.out.Reordered++
		v.sample("partition %d offset %d: producer %d sequence %d stands behind %d", partition, offset, producer, s.Sequence, want-1)
	default:
		p.out.Duplicates++
		v.sample("partition %d offset %d: producer %d sequence %d is there before", partition, offset, producer, s.Sequence)
	}
}

func (v *Verifier) jump(p *partitionCheck, g gap) {
	if v.gaps.Add(1) > maxGaps {
		v.over.Store(true)
		return
	}
	p.gaps = append(p.gaps, g)
}

// fill takes a sequence out of the gaps and says whether it was in one.
func (v *Verifier) fill(p *partitionCheck, producer int, seq int64) bool {
	for i := range p.gaps {
		g := p.gaps[i]
		if g.producer != producer || seq < g.from || seq >= g.to {
			continue
		}
		p.gaps[i].to = seq // what lies before stays, possibly empty
		if seq+1 < g.to {
			v.jump(p, gap{producer, seq + 1, g.to})
		}
		return true
	}
	return false
}

func (v *Verifier) sample(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.samples) < maxSamples {
		v.samples = append(v.samples, fmt.Sprintf(format, args...))
	}
}

// Offset is the next offset expected of a partition.
func (v *Verifier) Offset(partition int) int64 {
	p := &v.parts[partition]
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.offset
}

// Finish compares what was read with what was sent. The producers have
// stopped, and the readers have reached the end of every partition.
func (v *Verifier) Finish(l *Ledger) results.Verification {
	out := results.Verification{Done: true}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range v.parts {
		v.finishPartition(&out, i, l)
	}
	out.Overflow = v.over.Load() || l.failures > maxFailures
	v.mu.Lock()
	defer v.mu.Unlock()
	out.Samples = append([]string(nil), v.samples...)
	return out
}

func (v *Verifier) finishPartition(out *results.Verification, partition int, l *Ledger) {
	p := &v.parts[partition]
	p.mu.Lock()
	defer p.mu.Unlock()
	out.Records += p.out.Records
	out.Bytes += p.out.Bytes
	out.Duplicates += p.out.Duplicates
	out.Reordered += p.out.Reordered
	out.Corrupt += p.out.Corrupt
	out.Foreign += p.out.Foreign
	out.Redelivered += p.out.Redelivered
	for producer, next := range p.next {
		c := l.cell(producer, partition)
		sent := l.sent[c].Load()
		unknown := int64(len(l.failed[c]))
		out.Unknown += unknown
		out.Expected += sent - unknown
		v.missing(out, partition, gap{producer, next, sent}, l)
	}
	for _, g := range p.gaps {
		v.missing(out, partition, g, l)
	}
}

// missing counts the acknowledged records of a gap as lost.
func (v *Verifier) missing(out *results.Verification, partition int, g gap, l *Ledger) {
	c := l.cell(g.producer, partition)
	for seq := g.from; seq < g.to; seq++ {
		if l.isFailed(c, seq) {
			continue
		}
		if out.Lost++; out.Lost <= maxSamples {
			v.sample("partition %d: producer %d sequence %d was acknowledged and is not there", partition, g.producer, seq)
		}
	}
}
