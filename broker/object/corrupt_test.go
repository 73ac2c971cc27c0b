package object_test

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/object"
)

// damage changes bytes of one structure and names what the reader must say.
type damage struct {
	name string
	at   int
	put  []byte
	want string
}

func be32(v int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
func be64(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }

func (d damage) apply(src []byte) []byte {
	out := slices.Clone(src)
	copy(out[d.at:], d.put)
	return out
}

func (d damage) check(t *testing.T, err error) {
	require.ErrorIs(t, err, object.ErrCorrupt, d.name)
	require.ErrorContains(t, err, d.want, d.name)
	var c *object.CorruptError
	require.True(t, errors.As(err, &c), d.name)
}

func TestCorruptBlock(t *testing.T) {
	all, l := write(t, 1024, goldenBatches()...)
	e := l.Entries[1] // two batches at 1312
	block := all[e.Position : e.Position+int64(e.Size)]
	second := 10 + 33 + 403
	for _, d := range []damage{
		{"magic", 0, []byte{0x5B}, "object 7, position 1312: want block magic 0x5a, found 0x5b"},
		{"flags", 1, []byte{0}, "position 1313: want block flags 0x02"},
		{"negative count", 2, be32(-1), "position 1314: want a batch count of 0 to 26, found -1"},
		{"huge count", 2, be32(math.MaxInt32), "position 1314: want a batch count"},
		{"count too small", 2, be32(1), "want the block's end after its 1 batches, 437 bytes are left"},
		{"count too large", 2, be32(3), "want a batch header of 33 bytes, 0 are left"},
		{"negative length", 6, be32(-5), "position 1318: want a data length of 0 to 873, found -5"},
		{"length past the end", 6, be32(874), "position 1318: want a data length of 0 to 873, found 874"},
		{"length short", 6, be32(872), "want a payload length of 0 to 403, found 404"},
		{"batch magic", 10, []byte{0x23}, "position 1322: want batch magic 0x22, found 0x23"},
		{"stream", 11, be64(232), "position 1323: want stream 233 as in the index, found 232"},
		{"base offset", 10 + 17, be64(18), "position 1339: want base offset 19 as in the index, found 18"},
		{"negative base", 10 + 17, be64(-1), "want a base offset from 0"},
		{"base overflows", 10 + 17, be64(math.MaxInt64), "want a base offset from 0"},
		{"negative batch count", 10 + 25, be32(-2), "want a count of 0 or more, found -2"},
		{"payload length", 10 + 29, be32(math.MaxInt32), "want a payload length of 0 to 840, found 2147483647"},
		{"negative payload length", 10 + 29, be32(math.MinInt32), "want a payload length"},
		{"order", second + 17, be64(20), "want a base offset of 24 or more, found 20"},
		{"end beyond the entry", second + 25, be32(7), "want an end offset up to 30 as in the index, found 31"},
		{"end short of the entry", second + 25, be32(5), "want end offset 30 as in the index, found 29"},
	} {
		d.check(t, object.ForEachBatch(7, e, d.apply(block), func([]byte, object.RecordBatch) error { return nil }))
	}

	few, more := e, e
	few.BatchCount, more.BatchCount = 1, 3
	nothing := func([]byte, object.RecordBatch) error { return nil }
	require.ErrorContains(t, object.ForEachBatch(7, few, block, nothing), "want 1 batches as in the index, found more")
	require.ErrorContains(t, object.ForEachBatch(7, more, block, nothing), "want 3 batches as in the index, found 2")
	require.ErrorContains(t, object.ForEachBatch(7, e, block[:100], nothing), "want a block of 883 bytes, found 100")
}

func TestCorruptIndex(t *testing.T) {
	all, l := write(t, 1024, goldenBatches()...)
	raw := all[l.IndexPosition : l.IndexPosition+int64(l.IndexLength)]
	for _, d := range []damage{
		{"unsorted streams", 0, be64(235), "object 7, position 2640: want an entry after stream 235, end offset 19, found stream 233"},
		{"overlap", 36 + 8, be64(18), "position 2640: want an entry after stream 233, end offset 19, found stream 233, start offset 18"},
		{"negative offset", 8, be64(-1), "position 2612: want a start offset"},
		{"offset overflows", 8, be64(math.MaxInt64), "position 2612: want a start offset"},
		{"negative delta", 16, be32(-9), "want an end offset delta of 0 or more, found -9"},
		{"negative count", 20, be32(-3), "want a batch count of 0 or more, found -3"},
		{"count larger than the bytes", 20, be32(40), "want a block size from 1330 to 2604, found 1312"},
		{"negative position", 24, be64(-1), "want a block position from 0 to 2604, found -1"},
		{"position past the data", 24, be64(2605), "want a block position from 0 to 2604"},
		{"size past the data", 32, be32(2605), "want a block size from 109 to 2604, found 2605"},
		{"negative size", 32, be32(-1), "found -1"},
	} {
		_, err := object.DecodeIndexAt(7, l.IndexPosition, d.apply(raw))
		d.check(t, err)
	}
	_, err := object.DecodeIndexAt(7, l.IndexPosition, raw[:35])
	require.ErrorContains(t, err, "multiple of 36, found 35")
}

func TestCorruptFooter(t *testing.T) {
	all, _ := write(t, 1024, goldenBatches()...)
	footer := all[len(all)-object.FooterSize:]
	for _, d := range []damage{
		{"magic", 40, []byte{0}, "position 40: want footer magic 0x88e241b785f4cff7"},
		{"negative position", 0, be64(-1), "want an index position of 0 or more, found -1"},
		{"negative length", 8, be32(-36), "multiple of 36, found -36"},
		{"odd length", 8, be32(37), "multiple of 36, found 37"},
	} {
		_, _, err := object.DecodeFooter(7, d.apply(footer))
		d.check(t, err)
	}
	_, _, err := object.DecodeFooter(7, footer[1:])
	require.ErrorContains(t, err, "want a footer of 48 bytes, found 47")
	far := damage{at: 0, put: be64(math.MaxInt64)}.apply(all[len(all)-object.FooterSize:])
	_, err = object.ReadTail(7, 2760, far)
	require.ErrorContains(t, err, "found 9223372036854775807")
}

// TestGroup: after compaction one entry covers several DataBlocks.
func TestGroup(t *testing.T) {
	all, l := write(t, 1024, goldenBatches()[:5]...)
	group := object.IndexEntry{StreamID: 233, StartOffset: 10, EndOffsetDelta: 20, BatchCount: 5, Position: 0, Size: int32(l.IndexPosition)}
	var bases []int64
	collect := func(_ []byte, b object.RecordBatch) error {
		bases = append(bases, b.BaseOffset)
		return nil
	}
	require.NoError(t, object.ForEachBatch(7, group, all[:l.IndexPosition], collect))
	require.Equal(t, []int64{10, 12, 15, 19, 24}, bases)

	bases = nil
	stop := func(enc []byte, b object.RecordBatch) error {
		if b.BaseOffset > 12 {
			return object.ErrStop
		}
		return collect(enc, b)
	}
	require.NoError(t, object.ForEachBatch(7, group, all[:l.IndexPosition], stop))
	require.Equal(t, []int64{10, 12}, bases)

	boom := errors.New("boom")
	require.ErrorIs(t, object.ForEachBatch(7, group, all[:l.IndexPosition], func([]byte, object.RecordBatch) error { return boom }), boom)
}
