package partition

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidelog/tide/broker/stream"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Retention and DeleteRecords both end in Trim: the log start advances in the
// metadata, ranges wholly below it go, objects that nothing refers to any more
// are destroyed, and the cleaner deletes their bytes.
//
// Retention goes by whole ranges of objects, as Kafka's goes by whole segments.
// What is in no object yet is never touched: it is the newest there is.

// Trimmed is what one partition lost to its retention.
type Trimmed struct {
	Topic     string
	Partition int32
	Start     int64 // the log start now
	Bytes     int64 // of record batches before it
}

// Retain trims every partition to its topic's retention. It goes on after an
// error; all errors come back together.
func (m *Manager) Retain(ctx context.Context) ([]Trimmed, error) {
	var out []Trimmed
	var errs []error
	for _, p := range m.All() {
		if ctx.Err() != nil {
			return out, errors.Join(append(errs, ctx.Err())...)
		}
		t, err := p.retain(ctx)
		if err != nil && p.Gone() == nil {
			errs = append(errs, err)
		}
		if t.Bytes > 0 || t.Start > 0 {
			out = append(out, t)
		}
	}
	return out, errors.Join(errs...)
}

// retain trims one partition; a zero Trimmed: there was nothing to do.
func (p *Partition) retain(ctx context.Context) (Trimmed, error) {
	start, bytes := p.options.Load().expired(p.log.TimeRanges(), p.clock().UnixMilli())
	if start <= p.log.Start() {
		return Trimmed{}, nil
	}
	if err := p.Trim(ctx, start); err != nil {
		return Trimmed{}, fmt.Errorf("retention: %w", err)
	}
	return Trimmed{Topic: p.topic, Partition: p.index, Start: start, Bytes: bytes}, nil
}

// expired is the end of the ranges that may go, and their bytes; 0 when none
// may. now is in ms.
func (o *Options) expired(ranges []stream.TimeRange, now int64) (end, bytes int64) {
	if !o.Deletes || o.Internal {
		return 0, 0
	}
	n := max(o.tooOld(ranges, now), o.tooMuch(ranges))
	for _, r := range ranges[:n] {
		end, bytes = r.End, bytes+r.Bytes
	}
	return end, bytes
}

// tooOld counts the ranges that are too old, from the first on. Records without
// a time are as old as their object, as Kafka's are as old as their file.
func (o *Options) tooOld(ranges []stream.TimeRange, now int64) (n int) {
	if o.RetentionMillis < 0 {
		return 0
	}
	for i, r := range ranges {
		newest, known := r.MaxTimestamp, true
		if newest < 0 {
			newest, known = r.Written, r.Written > 0
		}
		switch {
		case !known: // goes when one after it does
		case now-newest > o.RetentionMillis:
			n = i + 1
		default:
			return n
		}
	}
	return n
}

// tooMuch counts the ranges without which there is still as much as is to be
// kept.
func (o *Options) tooMuch(ranges []stream.TimeRange) (n int) {
	if o.RetentionBytes < 0 {
		return 0
	}
	left := int64(0)
	for _, r := range ranges {
		left += r.Bytes
	}
	for n < len(ranges) && left-ranges[n].Bytes >= o.RetentionBytes {
		left -= ranges[n].Bytes
		n++
	}
	return n
}

// DeleteRecords makes before the log start, unless that is further already, and
// returns the log start. −1 stands for the high watermark. A topic whose
// cleanup.policy does not delete refuses, as in Kafka.
func (p *Partition) DeleteRecords(ctx context.Context, before int64) (start int64, err error) {
	if o := p.options.Load(); !o.Deletes || o.Internal {
		return -1, fmt.Errorf("%s: %w: its cleanup.policy is without delete", p, kerr.PolicyViolation)
	}
	if before == -1 {
		before = p.log.End()
	}
	if before < 0 {
		return -1, fmt.Errorf("%s: %w: delete before %d", p, kerr.OffsetOutOfRange, before)
	}
	if before > p.log.Start() {
		if err := p.Trim(ctx, before); err != nil {
			return -1, err
		}
	}
	return p.log.Start(), nil
}
