package stream

import (
	"cmp"
	"slices"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
)

// plan decides which of a WAL's records recovery keeps (formats.md, Filter per
// stream). It sees the headers of all records before it judges one.
type plan struct {
	streams map[int64]*streamPlan
	report  *RecoveryReport
	largest int // encoded bytes of the largest batch that may be kept
}

// streamPlan is what the WAL holds of one stream that the controller holds
// open for this node, as runs: neighbours of one epoch are one run, so it
// stays small whatever the WAL's size.
type streamPlan struct {
	committed int64
	runs      []span
	next      int64 // second reading: the end of what was kept
}

// span is offsets [base, end) written under one epoch.
type span struct{ base, end, epoch int64 }

func newPlan(open []meta.StreamEnd, walEpoch int64, report *RecoveryReport) *plan {
	p := &plan{streams: make(map[int64]*streamPlan), report: report}
	for _, s := range open {
		if s.NodeEpoch == walEpoch {
			p.streams[s.StreamID] = &streamPlan{committed: s.End, next: s.End}
		}
	}
	return p
}

// note is the first reading.
func (p *plan) note(b object.RecordBatch, _ []byte) error {
	s := p.streams[b.StreamID]
	if s == nil || b.BaseOffset < s.committed {
		return nil
	}
	p.largest = max(p.largest, b.EncodedSize())
	if n := len(s.runs); n > 0 && s.runs[n-1].epoch == b.Epoch && s.runs[n-1].end == b.BaseOffset {
		s.runs[n-1].end = b.EndOffset()
		return nil
	}
	s.runs = append(s.runs, span{b.BaseOffset, b.EndOffset(), b.Epoch})
	return nil
}

// losses are the gaps between the committed end and the first record, and
// between records, whatever their epoch: a record that a higher epoch hides
// leaves none, for its hider covers it.
func (p *plan) losses() []Loss {
	var lost []Loss
	for id, s := range p.streams {
		runs := slices.Clone(s.runs)
		slices.SortFunc(runs, func(a, b span) int { return cmp.Compare(a.base, b.base) })
		at := s.committed
		for _, r := range runs {
			if r.base > at {
				lost = append(lost, Loss{StreamID: id, From: at, To: r.base})
			}
			at = max(at, r.end)
		}
	}
	slices.SortFunc(lost, func(a, b Loss) int {
		return cmp.Or(cmp.Compare(a.StreamID, b.StreamID), cmp.Compare(a.From, b.From))
	})
	return lost
}

// keep is the second reading: it drops what is committed, unknown, hidden by a
// higher epoch, or there already.
func (p *plan) keep(b object.RecordBatch) bool {
	s := p.streams[b.StreamID]
	switch {
	case s == nil:
		p.report.Unknown++
	case b.BaseOffset < s.committed:
		p.report.Committed++
	case b.BaseOffset < s.next || s.hidden(b):
		p.report.Stale++
	default:
		s.next = b.EndOffset()
		p.report.Kept++
		return true
	}
	return false
}

// hidden reports whether a run of a higher epoch holds the batch's base offset.
func (s *streamPlan) hidden(b object.RecordBatch) bool {
	for _, r := range s.runs {
		if r.epoch > b.Epoch && r.base <= b.BaseOffset && b.BaseOffset < r.end {
			return true
		}
	}
	return false
}
