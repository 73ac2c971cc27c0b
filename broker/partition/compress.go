package partition

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Compression is how a batch's records are compressed: the low three bits of
// its attributes.
type Compression int8

// Kafka's compressions.
const (
	None Compression = iota
	Gzip
	Snappy
	LZ4
	Zstd
)

const (
	// zstdWindow is the largest window of a zstd frame, in bytes; levels up to
	// 20 keep to it. A decoder makes room for what the frame claims.
	zstdWindow = 32 << 20
	// zstdSegment is the largest content of a zstd frame that has no window of
	// its own, in bytes: the decoder makes room for all of it.
	zstdSegment = 64 << 20
	// snappyRatio: a snappy block is never more than 64 bytes for 3. One that
	// claims more gets no room.
	snappyRatio = 22
	// keptBlock is the largest snappy block whose room is kept for the next.
	keptBlock = 1 << 20
)

// errInflated: the records decompress to more than the caller allows.
var errInflated = errors.New("decompressed records are too large")

// xerialMagic opens the framing that Java's snappy library puts around its
// blocks; other clients send one bare block.
var xerialMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

// xerialHeader is the length of that framing's header: magic, two versions.
const xerialHeader = 16

// inflater opens compressed records, one batch after another. The decoders are
// made when first needed and kept, because making one costs more than opening
// a usual batch.
type inflater struct {
	src     bytes.Reader
	gzip    *gzip.Reader
	snappy  snappyReader
	lz4     *lz4.Reader
	zstd    *zstd.Decoder
	records recordReader
}

var inflaters = sync.Pool{New: func() any { return new(inflater) }}

// open returns what decompresses src as it is read. It may yield more than
// maxBytes: whoever reads it counts. But it makes no more room than that.
func (in *inflater) open(c Compression, src []byte, maxBytes int) (io.Reader, error) {
	in.src.Reset(src)
	switch c {
	case Gzip:
		if in.gzip == nil {
			in.gzip = new(gzip.Reader)
		}
		return in.gzip, in.gzip.Reset(&in.src)
	case Snappy:
		return &in.snappy, in.snappy.reset(src, maxBytes)
	case LZ4:
		if in.lz4 == nil {
			in.lz4 = lz4.NewReader(nil)
		}
		in.lz4.Reset(&in.src)
		return in.lz4, nil
	case Zstd:
		err := in.openZstd(src, maxBytes)
		return in.zstd, err
	}
	return nil, fmt.Errorf("%w: %d", kerr.UnsupportedCompressionType, c)
}

// openZstd looks at what the frame claims before the decoder believes it.
func (in *inflater) openZstd(src []byte, maxBytes int) error {
	var h zstd.Header
	if err := h.Decode(src); err != nil {
		return err
	}
	if h.HasFCS && h.FrameContentSize > uint64(maxBytes) {
		return errInflated
	}
	if in.zstd == nil {
		// Without a concurrency of one the decoder starts goroutines.
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderMaxMemory(zstdSegment))
		if err != nil {
			return err
		}
		in.zstd = d
	}
	return in.zstd.Reset(&in.src)
}

// done keeps the decoders for the next batch and lets go of this one.
func (in *inflater) done() {
	in.src.Reset(nil)
	in.snappy.forget()
	in.records.src = nil
	inflaters.Put(in)
}

// decompress returns the records of a batch. It yields at most maxBytes
// whatever src claims; corrupt input wraps kerr.CorruptMessage.
func decompress(c Compression, src []byte, maxBytes int) ([]byte, error) {
	if c == None {
		return src, nil
	}
	in := inflaters.Get().(*inflater)
	defer in.done()
	r, err := in.open(c, src, maxBytes)
	if err != nil {
		return nil, inflateError(c, err)
	}
	// The buffer grows with what was really read.
	out, err := io.ReadAll(io.LimitReader(r, int64(maxBytes)+1))
	if err == nil && len(out) > maxBytes {
		err = errInflated
	}
	if err != nil {
		return nil, inflateError(c, err)
	}
	return out, nil
}

// inflateError gives a decoder's error Kafka's code. Java's producer splits a
// batch that is MESSAGE_TOO_LARGE and sends the parts.
func inflateError(c Compression, err error) error {
	switch {
	case errors.Is(err, kerr.UnsupportedCompressionType):
		return err
	case errors.Is(err, errInflated):
		return fmt.Errorf("%w: %w", kerr.MessageTooLarge, err)
	}
	return fmt.Errorf("%w: compression %d: %w", kerr.CorruptMessage, c, err)
}

// snappyReader decompresses block by block, framed or one bare block.
type snappyReader struct {
	rest   []byte // not decompressed yet
	framed bool
	left   int    // bytes that may still come out
	room   []byte // of the block at hand
	out    []byte // what is left of it
}

func (s *snappyReader) reset(src []byte, maxBytes int) error {
	s.rest, s.left, s.out = src, maxBytes, nil
	if s.framed = bytes.HasPrefix(src, xerialMagic); s.framed {
		if len(src) < xerialHeader {
			return io.ErrUnexpectedEOF
		}
		s.rest = src[xerialHeader:]
	}
	return nil
}

func (s *snappyReader) forget() {
	s.rest, s.out = nil, nil
	if cap(s.room) > keptBlock {
		s.room = nil
	}
}

func (s *snappyReader) Read(p []byte) (int, error) {
	for len(s.out) == 0 {
		if len(s.rest) == 0 {
			return 0, io.EOF
		}
		if err := s.block(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

// block decompresses the next block, after a look at what it claims.
func (s *snappyReader) block() error {
	block := s.rest
	s.rest = nil
	if s.framed {
		if len(block) < 4 {
			return io.ErrUnexpectedEOF
		}
		n := int64(binary.BigEndian.Uint32(block))
		if n > int64(len(block)-4) {
			return io.ErrUnexpectedEOF
		}
		s.rest, block = block[4+n:], block[4:4+n]
	}
	size, err := s2.DecodedLen(block)
	switch {
	case err != nil:
		return err
	case size > snappyRatio*len(block):
		return s2.ErrCorrupt
	case size > s.left:
		return errInflated
	}
	s.left -= size
	if cap(s.room) < size {
		s.room = make([]byte, size)
	}
	s.out, err = s2.Decode(s.room[:size], block)
	return err
}
