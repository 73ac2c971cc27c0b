package partition

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/tidelog/tide/broker/object"
	"github.com/twmb/franz-go/pkg/kerr"
)

// HeaderSize is the length of a record batch's header, in bytes.
const HeaderSize = 61

// Positions of the fields in a batch, as drawn in the package comment.
const (
	atLength          = 8
	atLeaderEpoch     = 12
	atMagic           = 16
	atCRC             = 17
	atAttributes      = 21
	atLastOffsetDelta = 23
	atBaseTimestamp   = 27
	atMaxTimestamp    = 35
	atProducerID      = 43
	atProducerEpoch   = 51
	atBaseSequence    = 53
	atCount           = 57

	// uncounted is what the length field leaves out: base offset and itself.
	uncounted = 12
	// noTimestamp is that of a record which has none.
	noTimestamp = -1

	// smallestOld is the least length of a record of magic 0. Kafka calls
	// anything shorter corrupt before it looks at the magic.
	smallestOld = 14
)

// Bits of Header.Attributes.
const (
	attrCompression   = 0x07
	attrLogAppendTime = 0x08
	attrTransactional = 0x10
	attrControl       = 0x20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Header is the header of a Kafka record batch, magic 2.
type Header struct {
	BaseOffset      int64
	Length          int32 // bytes after this field
	LeaderEpoch     int32
	Magic           int8
	CRC             uint32 // CRC-32C from Attributes to the end
	Attributes      int16
	LastOffsetDelta int32
	BaseTimestamp   int64 // ms
	MaxTimestamp    int64 // ms
	ProducerID      int64 // −1: not idempotent
	ProducerEpoch   int16
	BaseSequence    int32
	Count           int32 // records
}

// Size is the length of the whole batch in bytes.
func (h Header) Size() int { return int(h.Length) + uncounted }

// End is the offset after the last record.
func (h Header) End() int64 { return h.BaseOffset + int64(h.LastOffsetDelta) + 1 }

// Compression is how the records are compressed.
func (h Header) Compression() Compression { return Compression(h.Attributes & attrCompression) }

// LogAppendTime tells that every record's timestamp is MaxTimestamp.
func (h Header) LogAppendTime() bool { return h.Attributes&attrLogAppendTime != 0 }

// Transactional tells that the batch is part of a transaction.
func (h Header) Transactional() bool { return h.Attributes&attrTransactional != 0 }

// Control tells that the batch holds a transaction's marker.
func (h Header) Control() bool { return h.Attributes&attrControl != 0 }

// Idempotent tells that the producer numbers its batches.
func (h Header) Idempotent() bool { return h.ProducerID >= 0 }

// lastSequence is the sequence number of the last record; numbers wrap from
// the largest int32 to 0.
func (h Header) lastSequence() int32 { return addSequence(h.BaseSequence, h.LastOffsetDelta) }

// ReadHeader decodes the header of the batch at the start of src and checks
// that src holds all of that batch; what follows it is ignored. It does not
// check the CRC (see Verify). Errors wrap kerr.CorruptMessage or, for what
// Kafka takes for the absence of a batch, kerr.InvalidRecord.
func ReadHeader(src []byte) (Header, error) {
	if err := checkFrame(src); err != nil {
		return Header{}, err
	}
	h := Header{
		BaseOffset:      int64(binary.BigEndian.Uint64(src)),
		Length:          int32(binary.BigEndian.Uint32(src[atLength:])),
		LeaderEpoch:     int32(binary.BigEndian.Uint32(src[atLeaderEpoch:])),
		Magic:           int8(src[atMagic]),
		CRC:             binary.BigEndian.Uint32(src[atCRC:]),
		Attributes:      int16(binary.BigEndian.Uint16(src[atAttributes:])),
		LastOffsetDelta: int32(binary.BigEndian.Uint32(src[atLastOffsetDelta:])),
		BaseTimestamp:   int64(binary.BigEndian.Uint64(src[atBaseTimestamp:])),
		MaxTimestamp:    int64(binary.BigEndian.Uint64(src[atMaxTimestamp:])),
		ProducerID:      int64(binary.BigEndian.Uint64(src[atProducerID:])),
		ProducerEpoch:   int16(binary.BigEndian.Uint16(src[atProducerEpoch:])),
		BaseSequence:    int32(binary.BigEndian.Uint32(src[atBaseSequence:])),
		Count:           int32(binary.BigEndian.Uint32(src[atCount:])),
	}
	return h, nil
}

// checkFrame finds out whether src begins with a whole batch of magic 2. The
// order of the tests is Kafka's, because it decides the error code.
func checkFrame(src []byte) error {
	if len(src) <= atMagic {
		return fmt.Errorf("%w: %d bytes hold no record batch", kerr.InvalidRecord, len(src))
	}
	length := int32(binary.BigEndian.Uint32(src[atLength:]))
	magic := int8(src[atMagic])
	switch {
	case length < smallestOld:
		return fmt.Errorf("%w: batch length %d", kerr.CorruptMessage, length)
	case magic < 0 || magic > 2:
		return fmt.Errorf("%w: magic %d", kerr.CorruptMessage, magic)
	case magic < 2:
		return fmt.Errorf("%w: magic %d, only 2 is accepted", kerr.InvalidRecord, magic)
	case int64(length)+uncounted > int64(len(src)):
		return fmt.Errorf("%w: batch of %d bytes, only %d are there", kerr.InvalidRecord, int64(length)+uncounted, len(src))
	case length < HeaderSize-uncounted:
		return fmt.Errorf("%w: batch length %d is shorter than its header", kerr.CorruptMessage, length)
	}
	return nil
}

// Verify checks the CRC of the one batch that src holds, which may be anything.
func Verify(src []byte) error {
	if len(src) < HeaderSize {
		return fmt.Errorf("%w: batch of %d bytes is shorter than its header", kerr.CorruptMessage, len(src))
	}
	want := binary.BigEndian.Uint32(src[atCRC:])
	if got := crc32.Checksum(src[atAttributes:], castagnoli); got != want {
		return fmt.Errorf("%w: CRC %08x, computed %08x", kerr.CorruptMessage, want, got)
	}
	return nil
}

// VerifyStored checks a batch that comes out of an object, which may have
// rotted in any byte. The first 21 bytes of a Kafka batch lie outside its CRC;
// the stream's own header beside it says what they must be.
func VerifyStored(b object.RecordBatch) error {
	h, err := ReadHeader(b.Payload)
	if err != nil {
		return err
	}
	if h.Size() != len(b.Payload) || h.BaseOffset != b.BaseOffset || h.End() != b.EndOffset() || h.LeaderEpoch != int32(b.Epoch) {
		return fmt.Errorf("%w: batch of %d bytes, offsets %d to %d, epoch %d, stands for %d bytes, offsets %d to %d, epoch %d", kerr.CorruptMessage,
			h.Size(), h.BaseOffset, h.End(), h.LeaderEpoch, len(b.Payload), b.BaseOffset, b.EndOffset(), b.Epoch)
	}
	return Verify(b.Payload)
}

// sent is a produced batch's header with what its records say.
type sent struct {
	Header
	// oldest and newest are the times of the records, in ms. Records without
	// one (−1) do not count: newest is −1 when no record has any.
	oldest, newest int64
}

func (s *sent) add(timestamp int64) {
	if timestamp != noTimestamp {
		s.oldest = min(s.oldest, timestamp)
		s.newest = max(s.newest, timestamp)
	}
}

// parseProduced checks what a producer sent for one partition: exactly one
// batch of magic 2, no larger than maxBytes, intact, with counts that agree.
// The records are walked one by one. Compressed ones are opened for it, as
// Kafka does: the CRC only proves that they are what the producer made, and
// one broken batch would stop every consumer that comes to it. They may
// decompress to inflateLimit bytes, mostBytes at most.
func parseProduced(src []byte, maxBytes, mostBytes int) (sent, error) {
	h, err := ReadHeader(src)
	if err != nil {
		return sent{}, err
	}
	s := sent{Header: h, oldest: math.MaxInt64, newest: noTimestamp}
	if err := checkProduced(h, src, maxBytes); err != nil {
		return s, err
	}
	if h.Compression() == None {
		return s, walkRecords(src[HeaderSize:], h.Count, func(_ int32, r rawRecord) (bool, error) {
			s.add(h.BaseTimestamp + r.timestampDelta)
			return true, nil
		})
	}
	limit := inflateLimit(len(src), maxBytes, mostBytes)
	err = walkInflated(h.Compression(), src[HeaderSize:], h.Count, limit, func(delta int64) { s.add(h.BaseTimestamp + delta) })
	return s, err
}

// checkProduced is the part of parseProduced that needs no look at records.
func checkProduced(h Header, src []byte, maxBytes int) error {
	switch {
	case h.Size() != len(src):
		return fmt.Errorf("%w: %d bytes after the batch; exactly one batch is accepted", kerr.InvalidRecord, len(src)-h.Size())
	case h.BaseOffset != 0:
		return fmt.Errorf("%w: base offset %d of a produced batch is not 0", kerr.InvalidRecord, h.BaseOffset)
	case len(src) > maxBytes:
		return fmt.Errorf("%w: batch of %d bytes, at most %d are accepted", kerr.MessageTooLarge, len(src), maxBytes)
	}
	if err := Verify(src); err != nil {
		return err
	}
	return checkCounts(h)
}

// checkCounts checks the fields that only a header with a good CRC can hold.
func checkCounts(h Header) error {
	switch {
	case h.Count <= 0 || h.LastOffsetDelta != h.Count-1:
		return fmt.Errorf("%w: %d records with last offset delta %d", kerr.InvalidRecord, h.Count, h.LastOffsetDelta)
	case h.Compression() > Zstd:
		return fmt.Errorf("%w: compression %d", kerr.UnsupportedCompressionType, h.Compression())
	case h.LogAppendTime():
		return fmt.Errorf("%w: only the broker may set the type LogAppendTime", kerr.InvalidTimestamp)
	case h.Control():
		return fmt.Errorf("%w: a client may not write control records", kerr.InvalidRecord)
	case h.Transactional():
		return fmt.Errorf("%w: no transaction is open for producer %d", kerr.InvalidTxnState, h.ProducerID)
	case h.Idempotent() && (h.BaseSequence < 0 || h.ProducerEpoch < 0):
		return fmt.Errorf("%w: producer %d with epoch %d and sequence %d", kerr.InvalidRecord, h.ProducerID, h.ProducerEpoch, h.BaseSequence)
	}
	return nil
}

// patch sets the two fields that lie outside the CRC.
func patch(batch []byte, baseOffset int64, leaderEpoch int32) {
	binary.BigEndian.PutUint64(batch, uint64(baseOffset))
	binary.BigEndian.PutUint32(batch[atLeaderEpoch:], uint32(leaderEpoch))
}

// stamp makes the broker's time (ms) the timestamp of every record. Unlike
// patch it changes what the CRC covers, so the CRC is computed again.
func stamp(batch []byte, h *Header, now int64) {
	h.Attributes |= attrLogAppendTime
	h.MaxTimestamp = now
	binary.BigEndian.PutUint16(batch[atAttributes:], uint16(h.Attributes))
	binary.BigEndian.PutUint64(batch[atMaxTimestamp:], uint64(now))
	seal(batch)
}

// setMaxTimestamp corrects a header that gives another time (ms) than that of
// the newest record, as Kafka does: offsets are sought by it.
func setMaxTimestamp(batch []byte, h *Header, newest int64) {
	h.MaxTimestamp = newest
	binary.BigEndian.PutUint64(batch[atMaxTimestamp:], uint64(newest))
	seal(batch)
}

// seal computes the CRC.
func seal(batch []byte) {
	binary.BigEndian.PutUint32(batch[atCRC:], crc32.Checksum(batch[atAttributes:], castagnoli))
}
