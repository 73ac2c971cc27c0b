package partition

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Record is one record of a batch. Key and Value are nil when they are null.
type Record struct {
	Offset    int64
	Timestamp int64 // ms
	Key       []byte
	Value     []byte
}

// rawRecord is a record as the batch holds it; slices alias the batch.
type rawRecord struct {
	timestampDelta int64
	key, value     []byte
}

// ForEachRecord calls fn with every record of the batch at the start of batch,
// decompressing at most maxBytes. Slices given to fn are valid during the call
// only. It stops at fn's first error and returns it.
func ForEachRecord(batch []byte, maxBytes int, fn func(Record) error) error {
	return eachRecord(batch, maxBytes, func(r Record) (bool, error) { return true, fn(r) })
}

// eachRecord is ForEachRecord with a fn that may end it early.
func eachRecord(batch []byte, maxBytes int, fn func(Record) (bool, error)) error {
	h, err := ReadHeader(batch)
	if err != nil {
		return err
	}
	payload, err := decompress(h.Compression(), batch[HeaderSize:h.Size()], maxBytes)
	if err != nil {
		return fmt.Errorf("batch at offset %d: %w", h.BaseOffset, err)
	}
	return walkRecords(payload, h.Count, func(delta int32, r rawRecord) (bool, error) {
		rec := Record{Offset: h.BaseOffset + int64(delta), Timestamp: h.BaseTimestamp + r.timestampDelta, Key: r.key, Value: r.value}
		if h.LogAppendTime() {
			rec.Timestamp = h.MaxTimestamp
		}
		return fn(rec)
	})
}

// walkRecords steps over count records and checks that they fill payload
// exactly and that their offsets are dense; Kafka answers INVALID_RECORD to
// anything else. fn may end the walk early by returning false.
func walkRecords(payload []byte, count int32, fn func(delta int32, r rawRecord) (bool, error)) error {
	for i := range count {
		n, used := binary.Varint(payload)
		if used <= 0 || n < 0 || n > int64(len(payload)-used) {
			return fmt.Errorf("%w: record %d of %d does not fit in its batch", kerr.InvalidRecord, i, count)
		}
		r, ok := parseRecord(payload[used:used+int(n)], i)
		if !ok {
			return fmt.Errorf("%w: record %d of %d is malformed", kerr.InvalidRecord, i, count)
		}
		payload = payload[used+int(n):]
		if more, err := fn(i, r); err != nil || !more {
			return err
		}
	}
	if len(payload) != 0 {
		return fmt.Errorf("%w: %d bytes after the last of %d records", kerr.InvalidRecord, len(payload), count)
	}
	return nil
}

// parseRecord decodes the body of the record with the given offset delta.
func parseRecord(body []byte, delta int32) (rawRecord, bool) {
	c := cursor{b: body}
	c.skip(1) // attributes: none are defined
	var r rawRecord
	r.timestampDelta = c.varint()
	if c.varint() != int64(delta) {
		return r, false
	}
	r.key = c.bytes(true)
	r.value = c.bytes(true)
	// Each header takes two bytes at least, so the loop ends with the body
	// whatever the count claims.
	for n := c.varint(); n != 0 && !c.bad; n-- {
		if n < 0 {
			return r, false
		}
		c.bytes(false)
		c.bytes(true)
	}
	return r, !c.bad && len(c.b) == 0
}

// cursor reads the fields of a record; bad is set at the first that does not
// fit, and everything after it reads as nothing.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) skip(n int) {
	if c.bad || n > len(c.b) {
		c.bad = true
		return
	}
	c.b = c.b[n:]
}

func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.bad = true
		return 0
	}
	c.b = c.b[n:]
	return v
}

// bytes reads a length and as many bytes; −1 is null where that is allowed.
func (c *cursor) bytes(nullable bool) []byte {
	n := c.varint()
	if nullable && n == -1 {
		return nil
	}
	if c.bad || n < 0 || n > int64(len(c.b)) {
		c.bad = true
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

// BuildBatch appends to dst an uncompressed batch of records that the broker
// writes itself, all at the given time (ms), with no producer id. Offsets and
// timestamps of the records are ignored. There must be at least one record.
func BuildBatch(dst []byte, now int64, records []Record) []byte {
	if len(records) == 0 || len(records) > math.MaxInt32 {
		panic(fmt.Sprintf("partition: a batch of %d records", len(records)))
	}
	start := len(dst)
	dst = append(dst, make([]byte, HeaderSize)...)
	for i, r := range records {
		dst = appendRecord(dst, i, r)
	}
	b := dst[start:]
	binary.BigEndian.PutUint32(b[atLength:], uint32(len(b)-uncounted))
	b[atMagic] = 2
	binary.BigEndian.PutUint32(b[atLastOffsetDelta:], uint32(len(records)-1))
	binary.BigEndian.PutUint64(b[atBaseTimestamp:], uint64(now))
	binary.BigEndian.PutUint64(b[atMaxTimestamp:], uint64(now))
	for i := atProducerID; i < atCount; i++ {
		b[i] = 0xff // producer id, epoch and sequence: −1
	}
	binary.BigEndian.PutUint32(b[atCount:], uint32(len(records)))
	seal(b)
	return dst
}

// appendRecord encodes a record without headers.
func appendRecord(dst []byte, delta int, r Record) []byte {
	body := make([]byte, 0, len(r.Key)+len(r.Value)+24)
	body = append(body, 0)              // attributes
	body = binary.AppendVarint(body, 0) // Δtime
	body = binary.AppendVarint(body, int64(delta))
	body = appendBytes(body, r.Key)
	body = appendBytes(body, r.Value)
	body = binary.AppendVarint(body, 0) // headers
	dst = binary.AppendVarint(dst, int64(len(body)))
	return append(dst, body...)
}

func appendBytes(dst, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(dst, -1)
	}
	dst = binary.AppendVarint(dst, int64(len(v)))
	return append(dst, v...)
}
