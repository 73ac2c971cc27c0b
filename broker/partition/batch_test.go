package partition

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func with(d produced, alter func(*kmsg.RecordBatch)) produced {
	d.alter = alter
	return d
}

// TestBadBatches: what Kafka answers to each way in which a batch can be wrong.
func TestBadBatches(t *testing.T) {
	good := plain(3).build(t)
	flip := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 0x40
		return b
	}
	set32 := func(at int, v int32) []byte {
		b := bytes.Clone(good)
		binary.BigEndian.PutUint32(b[at:], uint32(v))
		return b
	}
	magic := func(m byte) []byte {
		b := bytes.Clone(good)
		b[atMagic] = m
		return b
	}
	records := func(n int, recs []byte) []byte {
		d := plain(n)
		d.records = recs
		return d.build(t)
	}
	one := appendKmsgRecord(nil, kmsg.Record{Value: []byte("v")})
	tests := []struct {
		name string
		in   []byte
		want *kerr.Error
	}{
		{"nothing", nil, kerr.InvalidRecord},
		{"less than a header", good[:16], kerr.InvalidRecord},
		{"truncated", good[:len(good)-1], kerr.InvalidRecord},
		{"length 0", set32(atLength, 0), kerr.CorruptMessage},
		{"length negative", set32(atLength, -1), kerr.CorruptMessage},
		{"length of less than a header", set32(atLength, HeaderSize-uncounted-1), kerr.CorruptMessage},
		{"length past the end", set32(atLength, math.MaxInt32), kerr.InvalidRecord},
		{"magic 0", magic(0), kerr.InvalidRecord},
		{"magic 1", magic(1), kerr.InvalidRecord},
		{"magic 3", magic(3), kerr.CorruptMessage},
		{"magic negative", magic(0xff), kerr.CorruptMessage},
		{"CRC", flip(atCRC), kerr.CorruptMessage},
		{"a bit of the header", flip(atCount + 3), kerr.CorruptMessage},
		{"a bit of the last record", flip(len(good) - 1), kerr.CorruptMessage},
		{"two batches", append(bytes.Clone(good), good...), kerr.InvalidRecord},
		{"base offset", with(plain(1), func(b *kmsg.RecordBatch) { b.FirstOffset = 5 }).build(t), kerr.InvalidRecord},
		{"no records", with(plain(1), func(b *kmsg.RecordBatch) { b.NumRecords, b.LastOffsetDelta, b.Records = 0, -1, nil }).build(t), kerr.InvalidRecord},
		{"negative count", with(plain(1), func(b *kmsg.RecordBatch) { b.NumRecords, b.LastOffsetDelta = -5, -6 }).build(t), kerr.InvalidRecord},
		{"count above the last delta", with(plain(2), func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 0 }).build(t), kerr.InvalidRecord},
		{"count below the last delta", with(plain(2), func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 7 }).build(t), kerr.InvalidRecord},
		{"fewer records than counted", records(2, one), kerr.InvalidRecord},
		{"more records than counted", records(1, append(bytes.Clone(one), one...)), kerr.InvalidRecord},
		{"record past the end", records(1, []byte{0x7e, 0, 0}), kerr.InvalidRecord},
		{"record of negative length", records(1, []byte{0x01}), kerr.InvalidRecord},
		{"record shorter than its fields", records(1, []byte{0x04, 0, 0}), kerr.InvalidRecord},
		{"offset delta", records(1, appendKmsgRecord(nil, kmsg.Record{OffsetDelta: 1})), kerr.InvalidRecord},
		{"key past the record", records(1, []byte{0x0c, 0, 0, 0, 0x7e, 0, 0}), kerr.InvalidRecord},
		{"headers that are not there", records(1, []byte{0x0c, 0, 0, 0, 1, 1, 0x7e}), kerr.InvalidRecord},
		{"compression 5", with(plain(1), func(b *kmsg.RecordBatch) { b.Attributes = 5 }).build(t), kerr.UnsupportedCompressionType},
		{"control", with(plain(1), func(b *kmsg.RecordBatch) { b.Attributes = 0x20 }).build(t), kerr.InvalidRecord},
		{"transactional", with(plain(1), func(b *kmsg.RecordBatch) { b.Attributes = 0x10 }).build(t), kerr.InvalidTxnState},
		{"producer without a sequence", from(1, 0, -1, 1).build(t), kerr.InvalidRecord},
		{"producer without an epoch", from(1, -1, 0, 1).build(t), kerr.InvalidRecord},
		{"a time that is the broker's", with(plain(1), func(b *kmsg.RecordBatch) { b.Attributes = 0x08 }).build(t), kerr.InvalidTimestamp},
		{"too large", plain(20).build(t), kerr.MessageTooLarge},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, err := parseProduced(tc.in, 2000, 64<<20)
			require.ErrorIs(t, err, tc.want)
			got, ok := errors.AsType[*kerr.Error](err)
			require.True(t, ok)
			require.Equal(t, tc.want.Code, got.Code)
		})
	}
	_, err := parseProduced(good, len(good), 64<<20)
	require.NoError(t, err)
}

// TestEveryBitFlip: no single changed bit that the checksum or the frame
// covers passes as a produced batch.
func TestEveryBitFlip(t *testing.T) {
	good := from(7, 1, 3, 2).build(t)
	for at := range good {
		for bit := range 8 {
			b := bytes.Clone(good)
			b[at] ^= 1 << bit
			_, err := parseProduced(b, 1<<20, 64<<20)
			if at >= atLeaderEpoch && at < atMagic {
				require.NoError(t, err, "the leader epoch is the broker's to write")
				continue
			}
			require.Error(t, err, "byte %d bit %d", at, bit)
		}
	}
}

func TestHeaderMatchesKmsg(t *testing.T) {
	b := from(77, 3, math.MaxInt32, 4).build(t)
	patch(b, 1<<40, 9)
	h, err := ReadHeader(b)
	require.NoError(t, err)
	var k kmsg.RecordBatch
	require.NoError(t, k.ReadFrom(b))
	require.Equal(t, kmsg.RecordBatch{
		FirstOffset: h.BaseOffset, Length: h.Length, PartitionLeaderEpoch: h.LeaderEpoch, Magic: h.Magic, CRC: int32(h.CRC),
		Attributes: h.Attributes, LastOffsetDelta: h.LastOffsetDelta, FirstTimestamp: h.BaseTimestamp, MaxTimestamp: h.MaxTimestamp,
		ProducerID: h.ProducerID, ProducerEpoch: h.ProducerEpoch, FirstSequence: h.BaseSequence, NumRecords: h.Count, Records: k.Records,
	}, k)
	require.NoError(t, Verify(b), "patched fields lie outside the CRC")
	require.EqualValues(t, 2, h.lastSequence(), "sequences wrap to 0")
	require.EqualValues(t, 1<<40+4, h.End())
}

func TestStamp(t *testing.T) {
	b := plain(2).build(t)
	h, err := ReadHeader(b)
	require.NoError(t, err)
	stamp(b, &h, 1234)
	require.NoError(t, Verify(b))
	var times []int64
	require.NoError(t, ForEachRecord(b, 1<<20, func(r Record) error {
		times = append(times, r.Timestamp)
		return nil
	}))
	require.Equal(t, []int64{1234, 1234}, times)
}

func TestCompressions(t *testing.T) {
	for _, d := range []produced{{}, {codec: Gzip}, {codec: Snappy}, {codec: Snappy, raw: true}, {codec: LZ4}, {codec: Zstd}} {
		d.pid, d.epoch, d.seq, d.times = -1, -1, -1, []int64{100, 50, 300}
		b := d.build(t)
		_, err := parseProduced(b, 1<<20, 64<<20)
		require.NoError(t, err)
		patch(b, 40, 0)
		var got []Record
		require.NoError(t, ForEachRecord(b, 1<<20, func(r Record) error {
			require.Equal(t, bytes.Repeat([]byte{'v'}, 100), r.Value)
			got = append(got, Record{Offset: r.Offset, Timestamp: r.Timestamp})
			return nil
		}))
		require.Equal(t, []Record{{Offset: 40, Timestamp: 100}, {Offset: 41, Timestamp: 50}, {Offset: 42, Timestamp: 300}}, got)

		err = ForEachRecord(b, 200, func(Record) error { return nil })
		if d.codec != None {
			require.Error(t, err, "codec %d yields more than is allowed", d.codec)
		}
		for cut := HeaderSize; cut < len(b) && d.codec != None; cut++ {
			_, err := decompress(d.codec, b[HeaderSize:cut], 1<<20)
			_ = err // an error or fewer bytes; never a panic
		}
	}
}

func TestBuildBatch(t *testing.T) {
	in := []Record{{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("b")}, {Value: []byte{}}}
	b := BuildBatch([]byte("before"), 99, in)[len("before"):]
	h, err := parseProduced(b, 1<<20, 64<<20)
	require.NoError(t, err)
	require.False(t, h.Idempotent())
	var out []Record
	require.NoError(t, ForEachRecord(b, 1<<20, func(r Record) error {
		out = append(out, r)
		return nil
	}))
	for i := range in {
		in[i].Offset, in[i].Timestamp = int64(i), 99
	}
	require.Equal(t, in, out)
}

func TestVerifyTakesAnything(t *testing.T) {
	good := plain(1).build(t)
	require.NoError(t, Verify(good))
	for cut := range good {
		require.ErrorIs(t, Verify(good[:cut]), kerr.CorruptMessage)
	}
}

// TestCheckingAllocatesNothing: every produced batch pays for this.
func TestCheckingAllocatesNothing(t *testing.T) {
	b := from(1, 0, 0, 10).build(t)
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := parseProduced(b, 1<<20, 64<<20); err != nil {
			t.Fatal(err)
		}
	})
	require.Zero(t, allocs)
}

// FuzzProduced: whatever is sent, nothing panics, and what is accepted can be
// read back.
func FuzzProduced(f *testing.F) {
	for _, c := range []Compression{None, Gzip, Snappy, LZ4, Zstd} {
		d := from(5, 0, 0, 3)
		d.codec = c
		f.Add(d.build(f))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if len(src) > HeaderSize {
			seal(src) // else the CRC stops everything
		}
		h, err := parseProduced(src, 1<<16, 64<<20)
		if err != nil {
			return
		}
		n := int32(0)
		err = ForEachRecord(src, 1<<20, func(Record) error { n++; return nil })
		require.NoError(t, err)
		require.Equal(t, h.Count, n)
	})
}
