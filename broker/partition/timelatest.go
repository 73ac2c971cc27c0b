package partition

import "context"

// latestTimestamp finds the largest timestamp there is and then the first
// record that has it. Where that record is gone because the log was trimmed
// inside of its range, the range's own entry says too much, and it is read.
func (p *Partition) latestTimestamp(ctx context.Context) (offset, ts int64, err error) {
	for _, read := range []bool{false, true} {
		largest, err := p.largestTimestamp(ctx, read)
		if err != nil || largest < 0 {
			return -1, -1, err
		}
		if offset, ts, err = p.firstSince(ctx, largest); err != nil || offset >= 0 {
			return offset, ts, err
		}
	}
	return -1, -1, nil
}

// largestTimestamp goes by the time index, and by what it reads where that does
// not know; with readFirst in the first range too, the only one that a trim cuts.
func (p *Partition) largestTimestamp(ctx context.Context, readFirst bool) (int64, error) {
	largest := int64(-1)
	for i, s := range p.stretches() {
		if s.maxTimestamp >= 0 && (i > 0 || !readFirst) {
			largest = max(largest, s.maxTimestamp)
			continue
		}
		err := p.walk(ctx, s, func(h Header, batch []byte) (bool, error) {
			if h.BaseOffset >= s.start {
				largest = max(largest, h.MaxTimestamp)
				return true, nil
			}
			return true, eachRecord(batch, p.inflated, func(r Record) (bool, error) {
				if r.Offset >= s.start {
					largest = max(largest, r.Timestamp)
				}
				return true, nil
			})
		})
		if err != nil {
			return -1, err
		}
	}
	return largest, nil
}
