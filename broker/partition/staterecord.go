package partition

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// The state record, version 1. Fixed fields are big-endian, the others
// varints (encoding/binary: unsigned, or zigzag where marked ±):
//
//	@0  magic 'TPS1' (4)
//	@4  version (1)
//	@5  end offset (8)
//	@13 last stable offset (8)
//	@21 count of epochs, then for each: epoch ±, start offset ±
//	    count of producers, the longest silent first, then for each:
//	        id, epoch, count of batches (1–5), then for each, oldest first:
//	            first sequence, records − 1, base offset ±, timestamp ±
//	    CRC-32C of everything before it (4)
//
// The last sequence of a batch is not stored: it follows from the first and
// the number of records.
const (
	stateMagic   = 0x54505331
	stateVersion = 1
	stateFixed   = 21
	stateCRC     = 4

	// The least a producer and an epoch take, which bounds how many of them a
	// record of a given length can hold.
	leastProducer = 3 + 4
	leastEpoch    = 2
)

// ErrState: a state record that no version known here has written, or one
// that was damaged since.
var ErrState = errors.New("partition state record is corrupt")

func encodeState(s *foldState) []byte {
	b := make([]byte, stateFixed, stateFixed+8*len(s.epochs)+64*len(s.producers.byID)+16)
	binary.BigEndian.PutUint32(b, stateMagic)
	b[4] = stateVersion
	binary.BigEndian.PutUint64(b[5:], uint64(s.end))
	binary.BigEndian.PutUint64(b[13:], uint64(s.stable))
	b = binary.AppendUvarint(b, uint64(len(s.epochs)))
	for _, e := range s.epochs {
		b = binary.AppendVarint(b, int64(e.epoch))
		b = binary.AppendVarint(b, e.start)
	}
	b = binary.AppendUvarint(b, uint64(len(s.producers.byID)))
	s.producers.each(func(p *producer) { b = appendProducer(b, p) })
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func appendProducer(b []byte, p *producer) []byte {
	b = binary.AppendUvarint(b, uint64(p.id))
	b = binary.AppendUvarint(b, uint64(p.epoch))
	b = binary.AppendUvarint(b, uint64(p.n))
	for _, q := range p.batches[:p.n] {
		b = binary.AppendUvarint(b, uint64(q.first))
		b = binary.AppendUvarint(b, uint64(q.delta))
		b = binary.AppendVarint(b, q.base)
		b = binary.AppendVarint(b, q.timestamp)
	}
	return b
}

func decodeState(b []byte) (*foldState, error) {
	if err := checkStateFrame(b); err != nil {
		return nil, err
	}
	s := newFoldState()
	s.end = int64(binary.BigEndian.Uint64(b[5:]))
	s.stable = int64(binary.BigEndian.Uint64(b[13:]))
	if s.stable > s.end || s.stable < -1 {
		return nil, fmt.Errorf("%w: stable offset %d of end %d", ErrState, s.stable, s.end)
	}
	r := stateReader{b: b[stateFixed : len(b)-stateCRC]}
	s.epochs = r.epochs()
	r.producers(s.producers)
	if r.err == nil && len(r.b) != 0 {
		r.fail("%d bytes after the last producer", len(r.b))
	}
	if r.err != nil {
		return nil, r.err
	}
	return s, nil
}

func checkStateFrame(b []byte) error {
	switch {
	case len(b) < stateFixed+2+stateCRC:
		return fmt.Errorf("%w: %d bytes", ErrState, len(b))
	case binary.BigEndian.Uint32(b) != stateMagic:
		return fmt.Errorf("%w: magic %08x", ErrState, binary.BigEndian.Uint32(b))
	case b[4] != stateVersion:
		return fmt.Errorf("%w: version %d, this program knows %d", ErrState, b[4], stateVersion)
	}
	body, sum := b[:len(b)-stateCRC], binary.BigEndian.Uint32(b[len(b)-stateCRC:])
	if got := crc32.Checksum(body, castagnoli); got != sum {
		return fmt.Errorf("%w: CRC %08x, computed %08x", ErrState, sum, got)
	}
	return nil
}

// stateReader decodes the varints of a record; err is the first fault, and
// everything after it reads as 0.
type stateReader struct {
	b   []byte
	err error
}

func (r *stateReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrState, fmt.Sprintf(format, args...))
	}
	r.b = nil
}

func (r *stateReader) unsigned(what string, limit uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > limit {
		r.fail("%s %d, at most %d", what, v, limit)
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *stateReader) signed(what string, low, high int64) int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 || v < low || v > high {
		r.fail("%s %d, from %d to %d", what, v, low, high)
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *stateReader) epochs() epochList {
	n := r.unsigned("epochs", min(maxEpochs, uint64(len(r.b)/leastEpoch)))
	if n == 0 {
		return nil
	}
	l := make(epochList, 0, n)
	for range n {
		e := epochStart{int32(r.signed("epoch", math.MinInt32, math.MaxInt32)), r.signed("epoch start", 0, math.MaxInt64)}
		if k := len(l); k > 0 && (e.epoch <= l[k-1].epoch || e.start < l[k-1].start) {
			r.fail("epoch %d at %d after epoch %d at %d", e.epoch, e.start, l[k-1].epoch, l[k-1].start)
		}
		l = append(l, e)
	}
	return l
}

func (r *stateReader) producers(t *producers) {
	n := r.unsigned("producers", min(maxProducers, uint64(len(r.b)/leastProducer)))
	for range n {
		p := &producer{id: int64(r.unsigned("producer id", math.MaxInt64)), epoch: int16(r.unsigned("producer epoch", math.MaxInt16))}
		for range r.unsigned("batches", keptBatches) {
			p.push(r.batch())
		}
		if r.err == nil && (p.n == 0 || t.byID[p.id] != nil) {
			r.fail("producer %d has no batches or is there twice", p.id)
		}
		if r.err != nil {
			return
		}
		t.byID[p.id] = p
		t.link(p)
	}
}

func (r *stateReader) batch() sequenced {
	q := sequenced{
		first: int32(r.unsigned("sequence", math.MaxInt32)),
		delta: int32(r.unsigned("records", math.MaxInt32-1)),
		base:  r.signed("base offset", 0, math.MaxInt64),
	}
	q.timestamp = r.signed("timestamp", math.MinInt64, math.MaxInt64)
	q.last = addSequence(q.first, q.delta)
	return q
}
