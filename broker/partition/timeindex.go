package partition

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// The timestamps of ListOffsets that are not times.
const (
	LatestOffset       int64 = -1
	EarliestOffset     int64 = -2
	MaxTimestampOffset int64 = -3
	EarliestLocal      int64 = -4 // KIP-405; as EarliestOffset, there is one log
	LatestTiered       int64 = -5 // KIP-1005; never any, there is one log
)

// searchStep is how much is fetched at a time when offsets are sought by time,
// in bytes: one data block.
const searchStep = 1 << 20

// OffsetForTime answers ListOffsets: the first record whose timestamp (ms) is
// not before the one given, or −1, −1 when there is none. For LatestOffset and
// EarliestOffset ts is −1; for MaxTimestampOffset it is the first record with
// the largest timestamp. Only durable records count.
//
// The time index is one entry per object range (its largest timestamp, in the
// metadata): it says which range to walk, batch by batch, and what is not in
// an object yet is walked as well, in the log cache.
func (p *Partition) OffsetForTime(ctx context.Context, timestamp int64) (offset, ts int64, err error) {
	switch timestamp {
	case LatestOffset:
		return p.log.End(), -1, nil
	case EarliestOffset, EarliestLocal:
		return p.log.Start(), -1, nil
	case LatestTiered:
		return -1, -1, nil
	case MaxTimestampOffset:
		return p.latestTimestamp(ctx)
	}
	if timestamp < 0 {
		return 0, 0, fmt.Errorf("%s: %w: timestamp %d", p, kerr.InvalidRequest, timestamp)
	}
	return p.firstSince(ctx, timestamp)
}

// stretch is a run of offsets; maxTimestamp −1 means that it is not known.
type stretch struct {
	start, end   int64
	maxTimestamp int64
}

// stretches cuts what can be read into the ranges in objects and the tail. End
// is read before the ranges: one that is committed in between is then covered
// by its range instead of being missed.
func (p *Partition) stretches() []stretch {
	end := p.log.End()
	next := p.log.Start()
	var out []stretch
	for _, r := range p.log.TimeRanges() {
		if s := (stretch{max(r.Start, next), min(r.End, end), r.MaxTimestamp}); s.start < s.end {
			out = append(out, s)
			next = s.end
		}
	}
	if next < end {
		out = append(out, stretch{next, end, -1})
	}
	return out
}

func (p *Partition) firstSince(ctx context.Context, timestamp int64) (offset, ts int64, err error) {
	offset, ts = -1, -1
	for _, s := range p.stretches() {
		if s.maxTimestamp >= 0 && s.maxTimestamp < timestamp {
			continue
		}
		err := p.walk(ctx, s, func(h Header, batch []byte) (bool, error) {
			if h.MaxTimestamp < timestamp {
				return true, nil
			}
			err := eachRecord(batch, p.inflated, func(r Record) (bool, error) {
				if r.Timestamp >= timestamp && r.Offset >= s.start {
					offset, ts = r.Offset, r.Timestamp
				}
				return offset < 0, nil
			})
			return offset < 0, err
		})
		if err != nil || offset >= 0 {
			return offset, ts, err
		}
	}
	return -1, -1, nil
}

// walk calls fn with every batch of a stretch, until fn returns false. Batches
// are valid during the call only.
func (p *Partition) walk(ctx context.Context, s stretch, fn func(h Header, batch []byte) (bool, error)) error {
	for at := s.start; at < s.end; {
		next, more, err := p.walkStep(ctx, at, s.end, fn)
		if err != nil || !more {
			return err
		}
		at = next
	}
	return nil
}

// walkStep is one fetch of a walk.
func (p *Partition) walkStep(ctx context.Context, at, end int64, fn func(h Header, batch []byte) (bool, error)) (next int64, more bool, err error) {
	r, err := p.Fetch(ctx, at, searchStep, true)
	if err != nil {
		return 0, false, err
	}
	defer r.Release()
	if r.Next <= at {
		return 0, false, fmt.Errorf("%s: %w: nothing at %d, below the end %d", p, kerr.KafkaStorageError, at, end)
	}
	for _, buf := range r.Buffers {
		for len(buf) > 0 {
			h, err := ReadHeader(buf)
			if err != nil {
				return 0, false, fmt.Errorf("%s: near offset %d: %w", p, at, err)
			}
			if h.BaseOffset >= end {
				return 0, false, nil
			}
			if more, err := fn(h, buf[:h.Size()]); err != nil || !more {
				return 0, false, err
			}
			buf = buf[h.Size():]
		}
	}
	return r.Next, true, nil
}

// ForEachRecord calls fn with every durable record from offset on, up to the
// high watermark as it is when the call begins. Slices are valid during the
// call only. For the logs that the broker itself keeps in partitions.
//
// A batch whose records cannot be decompressed or walked is given to bad, with
// its offsets [start, end), and passed over; records before the damage have
// been given to fn. An error of fn ends the walk.
func (p *Partition) ForEachRecord(ctx context.Context, offset int64, fn func(Record) error, bad func(start, end int64, err error)) error {
	s := stretch{start: offset, end: p.log.End()}
	return p.walk(ctx, s, func(h Header, batch []byte) (bool, error) {
		var failed error // of fn
		err := ForEachRecord(batch, p.inflated, func(r Record) error {
			if r.Offset >= offset {
				failed = fn(r)
			}
			return failed
		})
		if err != nil && failed == nil {
			bad(h.BaseOffset, h.End(), err)
		}
		return true, failed
	})
}
