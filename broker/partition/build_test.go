package partition

import (
	"bytes"
	"hash/crc32"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/snappy/xerial"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// produced describes a batch that a test sends. It is built with kmsg, not
// with this package's own code.
type produced struct {
	pid   int64
	epoch int16
	seq   int32
	times []int64 // ms, one per record
	codec Compression
	raw   bool // snappy without xerial's framing
	attrs int16

	records []byte                  // overrides the encoded records
	alter   func(*kmsg.RecordBatch) // before the CRC is computed
}

// plain is a batch of n records without a producer id.
func plain(n int) produced { return produced{pid: -1, epoch: -1, seq: -1, times: make([]int64, n)} }

// from is a batch of n records of an idempotent producer.
func from(pid int64, epoch int16, seq int32, n int) produced {
	return produced{pid: pid, epoch: epoch, seq: seq, times: make([]int64, n)}
}

func (d produced) build(t testing.TB) []byte {
	t.Helper()
	b := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, Attributes: int16(d.codec) | d.attrs,
		LastOffsetDelta: int32(len(d.times) - 1), FirstTimestamp: d.times[0], MaxTimestamp: d.times[0],
		ProducerID: d.pid, ProducerEpoch: d.epoch, FirstSequence: d.seq, NumRecords: int32(len(d.times)),
	}
	var recs []byte
	for i, ts := range d.times {
		b.MaxTimestamp = max(b.MaxTimestamp, ts)
		recs = appendKmsgRecord(recs, kmsg.Record{
			TimestampDelta64: ts - b.FirstTimestamp, OffsetDelta: int32(i), Key: []byte("k"), Value: bytes.Repeat([]byte{'v'}, 100),
			Headers: []kmsg.Header{{Key: "h", Value: []byte("x")}, {Key: "null"}},
		})
	}
	if d.records != nil {
		recs = d.records
	}
	b.Records = d.compress(t, recs)
	if d.alter != nil {
		d.alter(&b)
	}
	return encodeKmsg(b)
}

func appendKmsgRecord(dst []byte, r kmsg.Record) []byte {
	empty := len(r.AppendTo(nil)) - 1 // the length 0 takes one byte
	r.Length = int32(empty)
	return r.AppendTo(dst)
}

// encodeKmsg sets length and CRC, unless the test has set them.
func encodeKmsg(b kmsg.RecordBatch) []byte {
	if b.Length == 0 {
		b.Length = int32(len(b.AppendTo(nil)) - 12)
	}
	if b.CRC == 0 {
		b.CRC = int32(crc32.Checksum(b.AppendTo(nil)[21:], crc32.MakeTable(crc32.Castagnoli)))
	}
	return b.AppendTo(nil)
}

func (d produced) compress(t testing.TB, src []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	switch d.codec {
	case Gzip:
		w := gzip.NewWriter(&buf)
		_, err := w.Write(src)
		require.NoError(t, err)
		require.NoError(t, w.Close())
	case Snappy:
		if d.raw {
			return snappy.Encode(nil, src)
		}
		return xerial.Encode(nil, src)
	case LZ4:
		w := lz4.NewWriter(&buf)
		_, err := w.Write(src)
		require.NoError(t, err)
		require.NoError(t, w.Close())
	case Zstd:
		w, err := zstd.NewWriter(&buf, zstd.WithEncoderConcurrency(1))
		require.NoError(t, err)
		_, err = w.Write(src)
		require.NoError(t, err)
		require.NoError(t, w.Close())
	default:
		return src
	}
	return buf.Bytes()
}
