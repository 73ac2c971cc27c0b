package partition

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/snappy/xerial"
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

// errInflated: the records decompress to more than the caller allows.
var errInflated = errors.New("decompressed records are too large")

// xerialMagic opens the framing that Java's snappy library puts around its
// blocks; other clients send one bare block.
var xerialMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

// xerialHeader is the length of that framing's header: magic, two versions.
const xerialHeader = 16

// decompress returns the records of a batch. It yields at most maxBytes
// whatever src claims; corrupt input wraps kerr.CorruptMessage.
func decompress(c Compression, src []byte, maxBytes int) ([]byte, error) {
	if c == None {
		return src, nil
	}
	out, err := inflate(c, src, maxBytes)
	switch {
	case errors.Is(err, errInflated), errors.Is(err, kerr.UnsupportedCompressionType):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: compression %d: %w", kerr.CorruptMessage, c, err)
	}
	return out, nil
}

func inflate(c Compression, src []byte, maxBytes int) ([]byte, error) {
	switch c {
	case Gzip:
		r, err := gzip.NewReader(bytes.NewReader(src))
		if err != nil {
			return nil, err
		}
		return readCapped(r, maxBytes)
	case Snappy:
		return inflateSnappy(src, maxBytes)
	case LZ4:
		return readCapped(lz4.NewReader(bytes.NewReader(src)), maxBytes)
	case Zstd:
		// One goroutine's worth: without this the decoder starts its own.
		r, err := zstd.NewReader(bytes.NewReader(src), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(max(maxBytes, 1<<20))))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return readCapped(r, maxBytes)
	default:
		return nil, fmt.Errorf("%w: %d", kerr.UnsupportedCompressionType, c)
	}
}

// readCapped reads r to its end. The buffer grows with what was really read,
// so a small batch that claims to be a large one costs little.
func readCapped(r io.Reader, maxBytes int) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, int64(maxBytes)+1))
	if err == nil && len(out) > maxBytes {
		err = errInflated
	}
	return out, err
}

// inflateSnappy adds up what the blocks claim before it makes room for them.
func inflateSnappy(src []byte, maxBytes int) ([]byte, error) {
	size, err := snappySize(src, maxBytes)
	if err != nil {
		return nil, err
	}
	return xerial.DecodeCapped(make([]byte, 0, size), src)
}

func snappySize(src []byte, maxBytes int) (int, error) {
	if !bytes.HasPrefix(src, xerialMagic) {
		n, err := s2.DecodedLen(src)
		if err == nil && n > maxBytes {
			err = errInflated
		}
		return n, err
	}
	if len(src) < xerialHeader {
		return 0, io.ErrUnexpectedEOF
	}
	total := 0
	for src = src[xerialHeader:]; len(src) >= 4; {
		n := int64(binary.BigEndian.Uint32(src))
		if n > int64(len(src)-4) {
			return 0, io.ErrUnexpectedEOF
		}
		block, err := s2.DecodedLen(src[4 : 4+n])
		if err != nil {
			return 0, err
		}
		if total += block; total > maxBytes {
			return 0, errInflated
		}
		src = src[4+n:]
	}
	return total, nil
}
