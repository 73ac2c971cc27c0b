package object

import (
	"encoding/binary"
	"math"
)

// BatchHeaderSize is the length of a stream record batch before its payload,
// in bytes.
const BatchHeaderSize = 33

const batchMagic = 0x22

// RecordBatch is one entry of a stream: a run of Count consecutive offsets
// whose bytes are opaque here (one Kafka record batch).
type RecordBatch struct {
	StreamID   int64
	Epoch      int64 // the stream's epoch, which is Kafka's leader epoch
	BaseOffset int64 // stream offset of the first record
	Count      int32 // records, that is, offsets
	Payload    []byte
}

// EndOffset is the offset after the last record of the batch (exclusive).
func (b RecordBatch) EndOffset() int64 { return b.BaseOffset + int64(b.Count) }

// EncodedSize is the length of header and payload together, in bytes.
func (b RecordBatch) EncodedSize() int { return BatchHeaderSize + len(b.Payload) }

// PutBatchHeader writes the header of b into the first BatchHeaderSize bytes
// of dst; the payload belongs right behind it.
func PutBatchHeader(dst []byte, b RecordBatch) {
	_ = dst[BatchHeaderSize-1] // one bounds check instead of six
	dst[0] = batchMagic
	binary.BigEndian.PutUint64(dst[1:], uint64(b.StreamID))
	binary.BigEndian.PutUint64(dst[9:], uint64(b.Epoch))
	binary.BigEndian.PutUint64(dst[17:], uint64(b.BaseOffset))
	binary.BigEndian.PutUint32(dst[25:], uint32(b.Count))
	binary.BigEndian.PutUint32(dst[29:], uint32(len(b.Payload)))
}

// AppendBatch appends the encoded batch, header and payload, to dst.
func AppendBatch(dst []byte, b RecordBatch) []byte {
	var head [BatchHeaderSize]byte
	PutBatchHeader(head[:], b)
	dst = append(dst, head[:]...)
	return append(dst, b.Payload...)
}

// DecodeBatch reads the batch at the start of src and returns it with the
// number of bytes it takes. The payload aliases src. An error wraps
// ErrCorrupt; positions in it count from the start of src.
func DecodeBatch(src []byte) (RecordBatch, int, error) {
	return decodeBatch(UnknownObject, 0, src)
}

// decodeBatch does the work of DecodeBatch; object and position only go into
// the error.
func decodeBatch(object, position int64, src []byte) (RecordBatch, int, error) {
	b, n, err := decodeBatchHeader(object, position, src, int64(len(src)-BatchHeaderSize))
	if err != nil {
		return RecordBatch{}, 0, err
	}
	end := BatchHeaderSize + int(n)
	// The capacity ends with the payload: appending to it must not overwrite
	// the next batch.
	b.Payload = src[BatchHeaderSize:end:end]
	return b, end, nil
}

// decodeBatchHeader reads the header at the start of src, behind which there
// are rest bytes. It returns the batch without its payload, and the payload's
// length, which is at most rest.
func decodeBatchHeader(object, position int64, src []byte, rest int64) (RecordBatch, int32, error) {
	if len(src) < BatchHeaderSize {
		return RecordBatch{}, 0, corrupt(object, position, "a batch header of %d bytes, %d are left", BatchHeaderSize, len(src))
	}
	if src[0] != batchMagic {
		return RecordBatch{}, 0, corrupt(object, position, "batch magic %#02x, found %#02x", batchMagic, src[0])
	}
	b := RecordBatch{
		StreamID:   int64(binary.BigEndian.Uint64(src[1:])),
		Epoch:      int64(binary.BigEndian.Uint64(src[9:])),
		BaseOffset: int64(binary.BigEndian.Uint64(src[17:])),
		Count:      int32(binary.BigEndian.Uint32(src[25:])),
	}
	if b.BaseOffset < 0 || b.BaseOffset > math.MaxInt64-math.MaxInt32 {
		return RecordBatch{}, 0, corrupt(object, position+17, "a base offset from 0 to 2^63-2^31, found %d", b.BaseOffset)
	}
	if b.Count < 0 {
		return RecordBatch{}, 0, corrupt(object, position+25, "a count of 0 or more, found %d", b.Count)
	}
	n := int32(binary.BigEndian.Uint32(src[29:]))
	if n < 0 || int64(n) > rest {
		return RecordBatch{}, 0, corrupt(object, position+29, "a payload length of 0 to %d, found %d", rest, n)
	}
	return b, n, nil
}
