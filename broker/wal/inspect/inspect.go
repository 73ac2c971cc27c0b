// Package inspect reads a write-ahead log without owning it: nothing is
// written or locked, so it may be a running broker's, a copy, or wreckage.
//
//	file or device ──▶ both header slots ──▶ Header
//	               ──▶ the recovery scan ──▶ a Record each, Report
//
// A log that is being written changes under the scan, which then sees what
// looks like damage: records of a later lap, or beyond the window. So damage
// counts only when a second scan finds the same log and the same damage.
//
// `tide wal dump` and `tide wal verify` print what it finds.
package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/wal"
)

// ErrDamaged is wrapped when records are lost or are not what they should be.
var ErrDamaged = errors.New("the log is damaged")

// ErrBusy is wrapped when the log changed during each of several scans and
// looked damaged in all of them, which says nothing.
var ErrBusy = errors.New("the log changes while it is read")

// attempts is how many scans a log gets that looks damaged and changes.
const attempts = 5

// Header is the newest valid header slot. The fields are format.md's.
type Header struct {
	Capacity   int64 `json:"capacity"`    // bytes
	TrimOffset int64 `json:"trim_offset"` // the last dead record
	Version    int64 `json:"version"`
	WindowMax  int64 `json:"window_max"` // bytes
	Clean      bool  `json:"clean"`      // closed with nothing left
	NodeID     int32 `json:"node_id"`
	NodeEpoch  int64 `json:"node_epoch"`
}

// Record is one live record. OK says that its body is exactly one stream record
// batch; if not, only Offset and PayloadLen (of the body) mean anything.
type Record struct {
	Offset     int64 `json:"offset"`
	Stream     int64 `json:"stream"`
	Epoch      int64 `json:"epoch"`
	Base       int64 `json:"base"`
	Count      int32 `json:"count"`
	PayloadLen int   `json:"payload_len"`
	OK         bool  `json:"ok"`
}

// Report is what a scan found.
type Report struct {
	Header  *Header  `json:"header"`  // nil: no valid one
	Start   int64    `json:"start"`   // offset of the first live record, or where it would be
	End     int64    `json:"end"`     // where the log ends
	Records int64    `json:"records"` // live
	Bytes   int64    `json:"bytes"`   // of their bodies
	Foreign int64    `json:"foreign"` // of them, those that are no stream record batch
	Dropped int64    `json:"dropped"` // intact behind End: in flight, never acknowledged; with damage, perhaps lost with it
	Lost    int64    `json:"lost"`    // intact behind damage
	Damage  []string `json:"damage"`
}

// Options of a scan.
type Options struct {
	// Lenient steps over any invalid record at an unaligned offset, as logs need
	// that AutoMQ wrote.
	Lenient bool
	// Header, when set, is called once, before the first record.
	Header func(*Header) error
	// Record, when set, is called for each live record, in order, once.
	Record func(Record) error
}

// File scans the file or block device called name. An error wraps ErrDamaged
// or ErrBusy, after the callbacks have seen what could be read, or is that of
// a callback or of a read.
func File(ctx context.Context, name string, o Options) (Report, error) {
	v, file, err := openFile(name)
	if err != nil {
		return Report{}, err
	}
	r, err := v.inspect(ctx, o)
	return r, errors.Join(err, v.Close(), file.Close())
}

// Reader scans size bytes of r, called name in errors.
func Reader(ctx context.Context, r io.ReaderAt, name string, size int64, o Options) (Report, error) {
	v, err := newVolume(r, name, size)
	if err != nil {
		return Report{}, err
	}
	report, err := v.inspect(ctx, o)
	return report, errors.Join(err, v.Close())
}

func (v *volume) inspect(ctx context.Context, o Options) (Report, error) {
	first, err := v.scan(ctx, o)
	if err != nil || (len(first.Damage) == 0 && first.Foreign == 0) {
		return first, err
	}
	before := first
	for range attempts {
		again, err := v.scan(ctx, Options{Lenient: o.Lenient})
		switch {
		case err != nil:
			return first, err
		case again.same(before):
			return again, fmt.Errorf("%s: %w", v.name, ErrDamaged)
		case len(again.Damage) == 0 && again.Foreign == 0:
			return again, nil
		}
		before = again
	}
	return before, fmt.Errorf("%s: %w, and looked damaged each time: stop its broker, or try again", v.name, ErrBusy)
}

// same says that nothing has been written between two scans.
func (r Report) same(s Report) bool {
	header := (r.Header == nil && s.Header == nil) || (r.Header != nil && s.Header != nil && *r.Header == *s.Header)
	return header && r.Start == s.Start && r.End == s.End && r.Records == s.Records && slices.Equal(r.Damage, s.Damage)
}

// scan opens the log anew, so that the header is read again.
func (v *volume) scan(ctx context.Context, o Options) (Report, error) {
	log, err := wal.Open(wal.Config{Path: v})
	if err != nil {
		return Report{}, fmt.Errorf("%s: %w", v.name, err)
	}
	defer func() { _ = log.Close(ctx, false) }() // nothing was started
	out := Report{Damage: []string{}}
	if h, ok := log.Header(); ok {
		out.Header = &Header{
			Capacity: h.Capacity, TrimOffset: int64(h.TrimOffset), Version: h.Version, WindowMax: h.WindowMax,
			Clean: h.Clean, NodeID: h.NodeID, NodeEpoch: h.NodeEpoch,
		}
	}
	if o.Header != nil {
		if err := o.Header(out.Header); err != nil {
			return out, err
		}
	}
	found, err := log.Recover(ctx, wal.RecoverOptions{AcceptLoss: true, Lenient: o.Lenient}, func(x wal.Record) error {
		record := decode(x)
		if !record.OK {
			out.Foreign++
		}
		if o.Record == nil {
			return nil
		}
		return o.Record(record)
	})
	out.Start, out.End, out.Records, out.Bytes = int64(found.Start), int64(found.End), found.Records, found.Bytes
	out.Dropped, out.Lost = found.Dropped, found.Lost
	for _, d := range found.Damage {
		out.Damage = append(out.Damage, d.String())
	}
	return out, err
}

func decode(x wal.Record) Record {
	b, n, err := object.DecodeBatch(x.Body)
	if err != nil || n != len(x.Body) {
		return Record{Offset: int64(x.Offset), PayloadLen: len(x.Body)}
	}
	return Record{
		Offset: int64(x.Offset), Stream: b.StreamID, Epoch: b.Epoch, Base: b.BaseOffset, Count: b.Count,
		PayloadLen: len(b.Payload), OK: true,
	}
}
