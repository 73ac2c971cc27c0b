package wal

import (
	"context"

	"github.com/tidelog/tide/iopath"
)

// kind is what stands at an offset.
type kind int

const (
	nothing kind = iota // no intact record: zeros, torn, or noise
	record              // intact, of this lap
	padding             // intact, of this lap
	stale               // intact, of an earlier lap: overwritten logically, not physically
	later               // intact, of a later lap: the header is older than the ring
)

// finding is one look at an offset. size and body are set unless nothing.
type finding struct {
	kind   kind
	offset Offset // that the record itself claims
	size   int64  // header included
	body   []byte // valid until the next look
}

// scanner looks at a range of the log, forwards. It holds the bytes from the
// offset looked at last, so that a record whose body turns out torn can be
// looked into again; the longest record and one chunk bound what it holds.
type scanner struct {
	reader   *ringReader
	ring     int64
	maxSize  int64 // bytes; no record is longer, whatever its header says
	end      Offset
	buf      []byte // bytes from base on, in cur or in spill
	cur      *chunk // the newest; nil before the first
	spill    []byte // for what a chunk and its lead do not hold
	base     Offset
	progress func(done, total int64)
	from     Offset
}

// newScanner scans [from, end) of a ring, at most one lap; both aligned. mem is
// aligned memory for its reads.
func newScanner(p iopath.Path, ring int64, mem []byte, from, end Offset) *scanner {
	return &scanner{
		reader: newRingReader(p, ring, mem, from, end), ring: ring, maxSize: ring,
		end: end, base: from, from: from, progress: func(int64, int64) {},
	}
}

// bytes returns [off, off+n), which must lie inside of the range. What lies
// before off is forgotten.
func (s *scanner) bytes(ctx context.Context, off Offset, n int64) ([]byte, error) {
	for int64(off-s.base)+n > int64(len(s.buf)) {
		c, err := s.reader.next(ctx)
		if err != nil {
			return nil, err
		}
		drop := min(int64(off-s.base), int64(len(s.buf)))
		s.join(s.buf[drop:], c)
		s.base += Offset(drop)
		s.progress(int64(s.base-s.from)+int64(len(s.buf)), int64(s.end-s.from))
	}
	at := int64(off - s.base)
	return s.buf[at : at+n], nil
}

// join makes buf of rest, which is what is still wanted of buf, and of c.
func (s *scanner) join(rest []byte, c *chunk) {
	if len(rest) <= c.lead {
		begin := c.lead - len(rest)
		copy(c.mem[begin:], rest)
		s.buf = c.mem[begin : c.lead+len(c.data)]
	} else {
		s.spill = append(append(s.spill[:0], rest...), c.data...)
		s.buf = s.spill
	}
	s.reader.release(s.cur)
	s.cur = c
}

// look says what stands at off. It never trusts a length before the header's
// checksum has been verified, nor one that reaches over the end of the ring or
// of the range.
func (s *scanner) look(ctx context.Context, off Offset) (finding, error) {
	room := min(s.ring-int64(off)%s.ring, int64(s.end-off), s.maxSize)
	if room < recordHeaderLength {
		return finding{}, nil
	}
	head, err := s.bytes(ctx, off, recordHeaderLength)
	if err != nil {
		return finding{}, err
	}
	h, ok := decodeRecordHeader(head)
	f := finding{kind: record, offset: h.bodyOffset - recordHeaderLength, size: h.bodyLength + recordHeaderLength}
	if !ok || f.size > room {
		return finding{}, nil
	}
	if h.padding {
		f.kind = padding
	} else {
		whole, err := s.bytes(ctx, off, f.size)
		if err != nil {
			return finding{}, err
		}
		if f.body = whole[recordHeaderLength:]; checksum(f.body) != h.bodyCRC {
			return finding{}, nil
		}
	}
	if f.offset == off {
		return f, nil
	}
	if h.padding {
		// Its body has no checksum: newer records may stand in what it covered.
		f.size = int64(step(finding{}, off) - off)
	}
	f.kind = later
	if f.offset < off {
		f.kind = stale
	}
	return f, nil
}

// slack says whether the bytes at off, unaligned, are the zeros behind the last
// record of a block: as far as a header would reach, or up to the boundary.
func (s *scanner) slack(ctx context.Context, off Offset) (bool, error) {
	n := min(int64(alignUp(off)-off), recordHeaderLength)
	p, err := s.bytes(ctx, off, n)
	return err == nil && n > 0 && allZero(p), err
}

// step is where a search for records goes on after f at off: behind whatever
// is intact, so that bytes inside of a body are not taken for records; else to
// the next place where a block may begin.
func step(f finding, off Offset) Offset {
	if f.kind == nothing || f.kind == padding {
		return alignDown(off) + blockSize
	}
	return off + Offset(f.size)
}
