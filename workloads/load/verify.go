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
// consumers. Its memory is 8 bytes a pair (see layout), which Config bounds,
// plus gaps.
type Verifier struct {
	parts []partitionCheck
	gaps  atomic.Int64

	mu      sync.Mutex
	samples []string // guarded by mu
	over    atomic.Bool
}

type partitionCheck struct {
	covered bool // somebody reads it
	lanes   span // that write to it

	mu     sync.Mutex
	offset int64   // next offset expected; lower ones are redeliveries
	next   []int64 // by lane, from the first of lanes: next sequence expected
	gaps   []gap   // sequences that were jumped over, few
	out    results.Verification
}

// gap is the sequences [from, to) of a lane, not seen though later ones were.
type gap struct {
	lane     int
	from, to int64
}

// newVerifier reads the topics that covers says.
func newVerifier(plan *layout, covers func(topicPlan) bool) *Verifier {
	v := &Verifier{parts: make([]partitionCheck, plan.cells)}
	for _, t := range plan.topics {
		for cell := t.cells.from; cell < t.cells.to && covers(t); cell++ {
			p := &v.parts[cell]
			p.covered, p.lanes, p.next = true, t.lanes, make([]int64, t.lanes.size())
		}
	}
	return v
}

// everyTopic is what reading everything back covers.
func everyTopic(topicPlan) bool { return true }

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
	case err != nil || int(s.Partition) != partition || !p.lanes.holds(int(s.Producer)) || s.Sequence < 0:
		p.out.Foreign++
		if err == nil {
			err = fmt.Errorf("%w: it belongs to partition %d of client %d", ErrForeign, s.Partition, s.Producer)
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
	lane := int(s.Producer)
	next := &p.next[lane-p.lanes.from]
	want := *next
	switch {
	case s.Sequence == want:
		*next++
	case s.Sequence > want:
		v.jump(p, gap{lane, want, s.Sequence})
		*next = s.Sequence + 1
	case v.fill(p, lane, s.Sequence):
		p.out.Reordered++
		v.sample("partition %d offset %d: client %d sequence %d stands behind %d", partition, offset, lane, s.Sequence, want-1)
	default:
		p.out.Duplicates++
		v.sample("partition %d offset %d: client %d sequence %d is there before", partition, offset, lane, s.Sequence)
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
func (v *Verifier) fill(p *partitionCheck, lane int, seq int64) bool {
	for i := range p.gaps {
		g := p.gaps[i]
		if g.lane != lane || seq < g.from || seq >= g.to {
			continue
		}
		p.gaps[i].to = seq // what lies before stays, possibly empty
		if seq+1 < g.to {
			v.jump(p, gap{lane, seq + 1, g.to})
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

// missingTo is how many records below the end of a partition were not read; 0
// for one that is not covered.
func (v *Verifier) missingTo(partition int, end int64) int64 {
	if !v.parts[partition].covered {
		return 0
	}
	return max(0, end-v.Offset(partition))
}

// Finish compares what was read with what was sent. The producers have
// stopped, and the readers have reached the end of every partition.
func (v *Verifier) Finish(l *Ledger) results.Verification {
	out := results.Verification{Done: true}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range v.parts {
		if v.parts[i].covered {
			v.finishPartition(&out, i, l)
		}
	}
	out.Overflow = v.over.Load() || l.failures > maxFailures
	v.mu.Lock()
	defer v.mu.Unlock()
	out.Samples = append([]string(nil), v.samples...)
	return out
}

// addCounts adds what was counted in the partition. The caller holds mu.
func (p *partitionCheck) addCounts(sum *results.Verification) {
	sum.Records += p.out.Records
	sum.Bytes += p.out.Bytes
	sum.Duplicates += p.out.Duplicates
	sum.Reordered += p.out.Reordered
	sum.Corrupt += p.out.Corrupt
	sum.Foreign += p.out.Foreign
	sum.Redelivered += p.out.Redelivered
}

func (v *Verifier) finishPartition(out *results.Verification, partition int, l *Ledger) {
	p := &v.parts[partition]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.addCounts(out)
	for i, next := range p.next {
		lane := p.lanes.from + i
		pair := l.plan.pair(lane, partition)
		sent := l.sent[pair].Load()
		unknown := int64(len(l.failed[pair]))
		out.Unknown += unknown
		out.Expected += sent - unknown
		v.missing(out, partition, gap{lane, next, sent}, l)
	}
	for _, g := range p.gaps {
		v.missing(out, partition, g, l)
	}
}

// missing counts the acknowledged records of a gap as lost.
func (v *Verifier) missing(out *results.Verification, partition int, g gap, l *Ledger) {
	pair := l.plan.pair(g.lane, partition)
	for seq := g.from; seq < g.to; seq++ {
		if l.isFailed(pair, seq) {
			continue
		}
		if out.Lost++; out.Lost <= maxSamples {
			v.sample("partition %d: client %d sequence %d was acknowledged and is not there", partition, g.lane, seq)
		}
	}
}
