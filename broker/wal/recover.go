package wal

import (
	"context"
	"fmt"
)

// Record is one record found by recovery.
type Record struct {
	Offset Offset
	Body   []byte // valid only during the callback
}

// RecoverOptions are the choices of a recovery scan.
type RecoverOptions struct {
	// AcceptLoss returns what can be read of a damaged log without an error;
	// Recovery.Damage still says what is lost.
	AcceptLoss bool
	// Lenient takes any invalid record at an unaligned offset for slack, as
	// logs need that were written by AutoMQ, which leaves stale bytes there.
	Lenient bool
	// Progress is told how many bytes of the ring have been read. Optional.
	Progress func(done, total int64)
}

// Recovery is what a scan found.
type Recovery struct {
	Start, End Offset // the records handed out lie in [Start, End)
	Records    int64  // handed out
	Bytes      int64  // of their bodies
	Dropped    int64  // intact, behind End, in flight at the crash: never acknowledged
	Lost       int64  // intact, but behind damage, so not handed out
	Damage     []Damage
}

// scanState is what Reset has to know of the scans before. Guarded by WAL.mu.
type scanState struct {
	busy    bool   // a scan uses the arena
	whole   bool   // the whole ring has been looked at
	largest Offset // of any intact record seen
}

// Recover hands every record that was durable and is not trimmed to fn, in
// order, and judges the rest of the ring: records behind the log's end are
// either those that were in flight, or proof that something is missing. An
// error of fn or of a read ends it. With damage the error wraps ErrDamaged,
// after fn has seen what could be read, unless AcceptLoss is set. Without any
// valid header there is nothing to recover. It writes nothing and may be
// repeated, until Reset.
func (w *WAL) Recover(ctx context.Context, opt RecoverOptions, fn func(Record) error) (Recovery, error) {
	w.mu.Lock()
	h, found, refused := w.header.durable, w.header.slot >= 0, w.phase != opened || w.scan.busy
	w.scan.busy = w.scan.busy || !refused
	w.mu.Unlock()
	if refused {
		return Recovery{}, fmt.Errorf("recover: %w", ErrClosed)
	}
	r := recovery{opt: opt, fn: fn, header: h}
	err := error(nil)
	switch {
	case !found && w.header.found.destroyed():
		r.damage(0, 0, "both headers are unreadable")
	case !found:
	case h.ring() > w.ring:
		r.damage(0, 0, fmt.Sprintf("written on a device of %d bytes, this one has %d", h.Capacity, w.ring+ringStart))
	default:
		err = r.run(ctx, w)
	}
	w.mu.Lock()
	w.scan.busy = false
	w.scan.whole = w.scan.whole || (err == nil && found && h.ring() == w.ring)
	w.scan.largest = max(w.scan.largest, r.largest)
	w.mu.Unlock()
	if err == nil && len(r.out.Damage) > 0 && !opt.AcceptLoss {
		err = &DamagedError{Damage: r.out.Damage}
	}
	return r.out, err
}

// recovery is one run of Recover.
//
//	        trim                      End           End + windowMax        a lap
//	─────────┤ dead ├── records ────────┤ in flight?  ├── loss if intact ────┤
type recovery struct {
	opt     RecoverOptions
	fn      func(Record) error
	header  Header
	s       *scanner
	out     Recovery
	largest Offset
}

func (r *recovery) run(ctx context.Context, w *WAL) error {
	trim := max(r.header.TrimOffset, 0)
	from := alignDown(trim)
	r.s = newScanner(w.path, r.header.ring(), w.mem.arena, from, from+Offset(r.header.ring()))
	defer r.s.reader.close()
	if r.opt.Progress != nil {
		r.s.progress = r.opt.Progress
	}
	at, err := r.begin(ctx, trim)
	if err != nil {
		return err
	}
	r.out.Start = at
	if r.out.End, err = r.records(ctx, at); err != nil {
		return err
	}
	return r.behind(ctx, r.out.End)
}

// begin finds the first live record: the one behind the dead one at the trim
// offset. A reset leaves no record there; its trim offset ends a 4 KiB block.
// A record that should be there and is not is damage: the search then takes
// the next record of this lap.
func (r *recovery) begin(ctx context.Context, trim Offset) (Offset, error) {
	if r.header.TrimOffset < 0 {
		return 0, nil
	}
	f, err := r.look(ctx, trim)
	switch {
	case err != nil:
		return 0, err
	case f.kind == record || f.kind == padding:
		return trim + Offset(f.size), nil
	case f.kind != later && alignUp(trim+1) == trim+1:
		return trim + 1, nil
	}
	at := step(f, trim)
	for at < r.s.end {
		f, err := r.look(ctx, at)
		if err != nil {
			return 0, err
		}
		if f.kind == record || f.kind == padding {
			break
		}
		at = step(f, at)
	}
	at = min(at, r.s.end)
	r.damage(trim, at, "no intact record at the trim offset")
	return at, nil
}

// records hands out the records from at on and returns where they end.
func (r *recovery) records(ctx context.Context, at Offset) (Offset, error) {
	for at < r.s.end {
		f, err := r.look(ctx, at)
		if err != nil {
			return at, err
		}
		switch f.kind {
		case record:
			r.out.Records++
			r.out.Bytes += int64(len(f.body))
			if err := r.fn(Record{Offset: at, Body: f.body}); err != nil {
				return at, err
			}
			fallthrough
		case padding:
			at += Offset(f.size)
		default:
			// Later laps are judged by behind, also in the lenient mode.
			slack, err := r.slack(ctx, at, f)
			if err != nil || !slack {
				return at, err
			}
			at = alignUp(at)
		}
	}
	return at, nil
}

func (r *recovery) slack(ctx context.Context, at Offset, f finding) (bool, error) {
	if at == alignDown(at) {
		return false, nil // zeros where a block begins end the log
	}
	if r.opt.Lenient {
		return f.kind != later, nil
	}
	return r.s.slack(ctx, at)
}

// behind judges what lies behind the log's end. Appends complete in order and
// no block was ever written further than windowMax beyond the durable prefix.
// So an intact record within that distance was in flight; one further away is
// proof that what stood before it had been durable once.
func (r *recovery) behind(ctx context.Context, end Offset) error {
	inFlight := end + Offset(r.header.WindowMax)
	gap, old := false, false
	for at := end; at < r.s.end; {
		f, err := r.look(ctx, at)
		if err != nil {
			return err
		}
		switch {
		case f.kind == later:
			r.out.Lost++
			if !old {
				r.damage(end, at, fmt.Sprintf("a record of offset %d stands at %d: the header is stale", f.offset, at))
			}
			old = true
		case f.kind == record && at >= inFlight:
			r.out.Lost++
			if !gap {
				r.damage(end, at, "an intact record lies further behind than any write in flight")
			}
			gap = true
		case f.kind == record:
			r.out.Dropped++
		}
		at = step(f, at)
	}
	return nil
}

// look remembers the largest offset seen, for Reset.
func (r *recovery) look(ctx context.Context, at Offset) (finding, error) {
	f, err := r.s.look(ctx, at)
	r.largest = max(r.largest, f.offset)
	return f, err
}

func (r *recovery) damage(from, to Offset, reason string) {
	r.out.Damage = append(r.out.Damage, Damage{From: from, To: to, Reason: reason})
}
