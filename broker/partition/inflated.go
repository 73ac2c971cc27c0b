package partition

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/twmb/franz-go/pkg/kerr"
)

// inflateFloor and inflateRatio are what a compressed batch may always yield:
// so many bytes, or so many times its own size. A topic's largest message
// counts too, so that what is accepted as it is is accepted compressed.
const (
	inflateFloor = 1 << 20
	inflateRatio = 100
)

// inflateLimit is how many bytes the records of a batch may decompress to.
func inflateLimit(compressed, maxMessage, most int) int {
	return min(most, max(inflateFloor, maxMessage, inflateRatio*compressed))
}

// errMalformed: a record's fields do not fit in it.
var errMalformed = errors.New("malformed")

// recordReader steps over records that come out of a decoder. It holds a
// window of them, not all: a batch that yields the most that is allowed takes
// no more memory than a small one.
//
//	buf  │ seen │ lo … hi │ room │
type recordReader struct {
	src    io.Reader
	buf    [16 << 10]byte
	lo, hi int
	pos    int64 // bytes stepped over
	left   int64 // bytes that src may still yield
	err    error // the first; io.EOF too
}

func (r *recordReader) reset(src io.Reader, maxBytes int) {
	r.src, r.lo, r.hi, r.pos, r.left, r.err = src, 0, 0, 0, int64(maxBytes), nil
}

// fill tries to have n bytes at hand, n being at most a varint's.
func (r *recordReader) fill(n int) {
	if r.hi-r.lo >= n || r.err != nil {
		return
	}
	r.hi = copy(r.buf[:], r.buf[r.lo:r.hi])
	r.lo = 0
	for r.hi < n && r.err == nil {
		got, err := r.src.Read(r.buf[r.hi:])
		r.hi += got
		if r.left -= int64(got); r.left < 0 {
			err = errInflated
		}
		r.err = err
	}
}

// fail ends the walk. A decoder's error, which came first, is the better reason.
func (r *recordReader) fail(err error) {
	if r.err == nil || errors.Is(r.err, io.EOF) {
		r.err = err
	}
	r.lo = r.hi
}

func (r *recordReader) varint() int64 {
	r.fill(binary.MaxVarintLen64)
	v, n := binary.Varint(r.buf[r.lo:r.hi])
	if n <= 0 {
		r.fail(errMalformed)
		return 0
	}
	r.lo += n
	r.pos += int64(n)
	return v
}

func (r *recordReader) skip(n int64) {
	for r.pos += n; n > 0; {
		r.fill(1)
		step := min(n, int64(r.hi-r.lo))
		if step == 0 {
			r.fail(errMalformed)
			return
		}
		r.lo += int(step)
		n -= step
	}
}

// field steps over a length and as many bytes, which lie before end.
func (r *recordReader) field(nullable bool, end int64) {
	n := r.varint()
	if nullable && n == -1 {
		return
	}
	if n < 0 || n > end-r.pos {
		r.fail(errMalformed)
		return
	}
	r.skip(n)
}

// record steps over one record and returns its Δtime.
func (r *recordReader) record(delta int32) (timestampDelta int64, ok bool) {
	n := r.varint()
	end := r.pos + n
	if n < 0 || n > math.MaxInt32 {
		return 0, false
	}
	r.skip(1) // attributes: none are defined
	timestampDelta = r.varint()
	if r.varint() != int64(delta) {
		return 0, false
	}
	r.field(true, end)
	r.field(true, end)
	// Each header takes two bytes at least, so the loop ends with the record
	// whatever the count claims.
	headers := r.varint()
	for ; headers > 0 && r.pos < end; headers-- {
		r.field(false, end)
		r.field(true, end)
	}
	return timestampDelta, headers == 0 && r.pos == end && !r.broken()
}

// broken tells that an error stands in the way of what was asked for. The end,
// or a decoder's error behind bytes that are still here, does not yet.
func (r *recordReader) broken() bool {
	return r.err != nil && !errors.Is(r.err, io.EOF) && r.lo == r.hi
}

// walkInflated is walkRecords for a compressed batch.
func walkInflated(c Compression, src []byte, count int32, maxBytes int, fn func(timestampDelta int64)) error {
	in := inflaters.Get().(*inflater)
	defer in.done()
	from, err := in.open(c, src, maxBytes)
	if err != nil {
		return inflateError(c, err)
	}
	r := &in.records
	r.reset(from, maxBytes)
	for i := range count {
		delta, ok := r.record(i)
		if !ok {
			return r.why(c, fmt.Sprintf("record %d of %d is malformed or cut off", i, count))
		}
		fn(delta)
	}
	if r.fill(1); r.hi > r.lo || !errors.Is(r.err, io.EOF) {
		return r.why(c, fmt.Sprintf("more follows the last of %d records", count))
	}
	return nil
}

// why is the decoder's error if it had one, and otherwise that the records are
// not what the header says.
func (r *recordReader) why(c Compression, what string) error {
	if r.err == nil || errors.Is(r.err, io.EOF) || errors.Is(r.err, errMalformed) {
		return fmt.Errorf("%w: %s", kerr.InvalidRecord, what)
	}
	return inflateError(c, r.err)
}
