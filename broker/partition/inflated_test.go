package partition

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// codecs are all the ways in which records come compressed.
func codecs() []produced {
	return []produced{{codec: Gzip}, {codec: Snappy}, {codec: Snappy, raw: true}, {codec: LZ4}, {codec: Zstd}}
}

func (d produced) name() string {
	names := [...]string{"none", "gzip", "snappy", "lz4", "zstd"}
	if d.raw {
		return names[d.codec] + "-raw"
	}
	return names[d.codec]
}

func eachCodec(t *testing.T, test func(t *testing.T, d produced)) {
	for _, d := range codecs() {
		d.pid, d.epoch, d.seq, d.times = -1, -1, -1, []int64{100, 50, 300}
		t.Run(d.name(), func(t *testing.T) { test(t, d) })
	}
}

// TestCompressedRecordsAreChecked: what is wrong with compressed records is
// found when they are produced, not by the consumers.
func TestCompressedRecordsAreChecked(t *testing.T) {
	one := appendKmsgRecord(nil, kmsg.Record{Value: []byte("v")})
	two := append(bytes.Clone(one), appendKmsgRecord(nil, kmsg.Record{OffsetDelta: 1, Value: bytes.Repeat([]byte("w"), 50_000)})...)
	eachCodec(t, func(t *testing.T, d produced) {
		refuse := func(records []byte, count int, want error) {
			t.Helper()
			d.records, d.times = records, make([]int64, count)
			_, err := parseProduced(d.build(t), 1<<20, 64<<20)
			require.ErrorIs(t, err, want)
		}
		refuse(one, 2, kerr.InvalidRecord)
		refuse(two, 1, kerr.InvalidRecord)
		refuse(two[:len(two)-1], 2, kerr.InvalidRecord)
		refuse([]byte{0x01}, 1, kerr.InvalidRecord)
		refuse([]byte{0x04, 0, 0}, 1, kerr.InvalidRecord)
		refuse([]byte{0x0c, 0, 0, 0, 0x7e, 0, 0}, 1, kerr.InvalidRecord)
		refuse([]byte{0x0c, 0, 0, 0, 1, 1, 0x7e}, 1, kerr.InvalidRecord)
		refuse(appendKmsgRecord(nil, kmsg.Record{OffsetDelta: 1}), 1, kerr.InvalidRecord)
		d.records, d.times = two, make([]int64, 2)
		good := d.build(t)
		_, err := parseProduced(good, 1<<20, 64<<20)
		require.NoError(t, err)
		// The client's CRC is right, and what it covers is no compressed data.
		d.alter = func(b *kmsg.RecordBatch) { b.Records = []byte("these bytes are no such thing") }
		_, err = parseProduced(d.build(t), 1<<20, 64<<20)
		require.ErrorIs(t, err, kerr.CorruptMessage)
		for cut := range len(good) - HeaderSize {
			d.alter = func(b *kmsg.RecordBatch) { b.Records = b.Records[:cut] }
			_, err := parseProduced(d.build(t), 1<<20, 64<<20)
			require.Error(t, err, "%d bytes of %d", cut, len(good)-HeaderSize)
		}
	})
}

// TestBombsAreRefused: a small batch that yields a large one is refused after
// what is allowed, and takes no memory for it.
func TestBombsAreRefused(t *testing.T) {
	bomb := appendKmsgRecord(nil, kmsg.Record{Value: make([]byte, 4<<20)})
	eachCodec(t, func(t *testing.T, d produced) {
		d.records, d.times = bomb, make([]int64, 1)
		b := d.build(t)
		_, err := parseProduced(b, 1<<20, 64<<20)
		if 100*len(b) < len(bomb) {
			require.ErrorIs(t, err, kerr.MessageTooLarge)
		} else {
			require.NoError(t, err, "%d bytes", len(b))
		}
		_, err = parseProduced(b, 5<<20, 64<<20)
		require.NoError(t, err, "what is accepted uncompressed is accepted compressed")
		_, err = parseProduced(b, 5<<20, 2<<20)
		require.ErrorIs(t, err, kerr.MessageTooLarge, "the broker's bound is above the topic's")
	})
}

// TestMaxTimestampIsTheRecords: offsets are sought by the header's largest
// time, so one that lies is corrected.
func TestMaxTimestampIsTheRecords(t *testing.T) {
	eachCodec(t, func(t *testing.T, d produced) {
		for _, codec := range []Compression{None, d.codec} {
			for _, claimed := range []int64{-1, 120, math.MaxInt64} {
				d.codec = codec
				d.alter = func(b *kmsg.RecordBatch) { b.MaxTimestamp = claimed }
				l := &memLog{epoch: 1, auto: true}
				p := opened(t, l)
				require.NoError(t, p.Append(t.Context(), d.build(t), ignore))
				stored := l.batches[0].Payload
				require.NoError(t, Verify(stored))
				h, err := ReadHeader(stored)
				require.NoError(t, err)
				require.EqualValues(t, 300, h.MaxTimestamp)
				at, ts, err := p.OffsetForTime(t.Context(), MaxTimestampOffset)
				require.NoError(t, err)
				require.EqualValues(t, []int64{2, 300}, []int64{at, ts})
			}
		}
	})
}

// TestTimesOutOfRange: message.timestamp.before.max.ms and its sibling.
func TestTimesOutOfRange(t *testing.T) {
	cfg := Config{}.withDefaults()
	open := func(configs map[string]string) *Partition {
		return opened(t, &memLog{epoch: 1, auto: true}, func(_ *Config, o *Options) { *o = cfg.options(configs) })
	}
	now := cfg.Clock().UnixMilli()
	const minute, hour = 60_000, 3_600_000
	send := func(p *Partition, times ...int64) error {
		d := plain(1)
		d.times = times
		return p.Append(t.Context(), d.build(t), ignore)
	}
	p := open(nil)
	require.NoError(t, send(p, 0, now, now+hour-minute), "the past is free by default")
	require.ErrorIs(t, send(p, now, now+hour+minute), kerr.InvalidTimestamp)
	require.ErrorIs(t, send(p, math.MaxInt64), kerr.InvalidTimestamp)
	p = open(map[string]string{ConfigTimestampBefore: "3600000", ConfigTimestampAfter: "9223372036854775807"})
	require.NoError(t, send(p, now-hour+minute, math.MaxInt64))
	require.ErrorIs(t, send(p, now, now-hour-minute), kerr.InvalidTimestamp)
	require.ErrorIs(t, send(p, math.MinInt64), kerr.InvalidTimestamp)
	require.NoError(t, send(p, noTimestamp), "a record without a time has none that is wrong")
	p = open(map[string]string{ConfigTimestampBefore: "0", ConfigTimestampType: logAppendTime})
	require.NoError(t, send(p, 5), "the producer's time does not matter")
}

// TestOpeningAllocatesLittle: the decoders are kept from batch to batch.
func TestOpeningAllocatesLittle(t *testing.T) {
	eachCodec(t, func(t *testing.T, d produced) {
		d.times = make([]int64, 100)
		b := d.build(t)
		allocs := testing.AllocsPerRun(100, func() {
			if _, err := parseProduced(b, 1<<20, 64<<20); err != nil {
				t.Fatal(err)
			}
		})
		require.LessOrEqual(t, allocs, 8.0)
	})
}

// BenchmarkProduced is the check of one produced batch of 1000 records.
func BenchmarkProduced(b *testing.B) {
	for _, d := range append([]produced{{}}, codecs()...) {
		d.pid, d.epoch, d.seq, d.times = -1, -1, -1, make([]int64, 1000)
		for i := range d.times {
			d.records = appendKmsgRecord(d.records, kmsg.Record{OffsetDelta: int32(i), Value: fmt.Appendf(nil, "%0100d", i*i*7919)})
		}
		b.Run("codec="+d.name(), func(b *testing.B) {
			batch := d.build(b)
			b.SetBytes(int64(len(d.records)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parseProduced(batch, 1<<20, 64<<20); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
