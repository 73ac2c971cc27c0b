package object_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/object"
)

// orCorrupt fails unless err is nil or ErrCorrupt: broken bytes end in nothing
// else.
func orCorrupt(t *testing.T, err error) bool {
	if err != nil {
		require.ErrorIs(t, err, object.ErrCorrupt)
	}
	return err == nil
}

// FuzzDecodeBatch: what decodes encodes to the same bytes.
func FuzzDecodeBatch(f *testing.F) {
	for _, b := range goldenBatches() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		b, n, err := object.DecodeBatch(src)
		if orCorrupt(t, err) {
			require.Equal(t, src[:n], object.AppendBatch(nil, b))
			require.Equal(t, n, b.EncodedSize())
			require.GreaterOrEqual(t, b.EndOffset(), b.BaseOffset)
		}
	})
}

// FuzzDecodeIndex: what decodes is in order, inside the data, and encodes to
// the same bytes.
func FuzzDecodeIndex(f *testing.F) {
	all, l := write(f, 1024, goldenBatches()...)
	f.Add(l.IndexPosition, all[l.IndexPosition:len(all)-object.FooterSize])
	f.Fuzz(func(t *testing.T, pos int64, src []byte) {
		x, err := object.DecodeIndexAt(1, pos, src)
		if !orCorrupt(t, err) {
			return
		}
		require.Equal(t, len(src), x.EncodedSize())
		require.Equal(t, string(src), string(object.AppendIndex(nil, x)))
		for i, e := range x {
			require.LessOrEqual(t, e.Position, pos-int64(e.Size))
			if e.EndOffsetDelta > 0 {
				at, ok := x.Find(e.StreamID, e.StartOffset)
				require.True(t, ok && at == i)
			}
		}
	})
}

// FuzzDecodeFooter: what decodes lies in the object, and a tail never yields
// an index of another length than announced.
func FuzzDecodeFooter(f *testing.F) {
	all, _ := write(f, 1024, goldenBatches()...)
	f.Add(int64(len(all)), all)
	f.Add(int64(len(all)), all[len(all)-object.FooterSize:])
	f.Fuzz(func(t *testing.T, size int64, tail []byte) {
		_, _, err := object.DecodeFooter(1, tail)
		orCorrupt(t, err)
		got, err := object.ReadTail(1, size, tail)
		if orCorrupt(t, err) {
			require.Equal(t, size, got.IndexPosition+int64(got.IndexLength)+object.FooterSize)
			if got.Index != nil {
				require.Len(t, got.Index, int(got.IndexLength))
			}
		}
	})
}

// FuzzForEachBatch: an entry and a block that do not belong together end in
// ErrCorrupt; a clean pass has shown every batch of the entry.
func FuzzForEachBatch(f *testing.F) {
	all, l := write(f, 1024, goldenBatches()...)
	for _, e := range l.Entries {
		f.Add(e.StreamID, e.StartOffset, e.EndOffsetDelta, e.BatchCount, all[e.Position:e.Position+int64(e.Size)])
	}
	f.Fuzz(func(t *testing.T, stream, start int64, delta, count int32, block []byte) {
		e := object.IndexEntry{StreamID: stream, StartOffset: start, EndOffsetDelta: delta, BatchCount: count, Size: int32(len(block))}
		seen := int32(0)
		err := object.ForEachBatch(1, e, block, func(enc []byte, b object.RecordBatch) error {
			if b.StreamID != stream || b.BaseOffset < start || b.EndOffset() > e.EndOffset() || len(enc) != b.EncodedSize() {
				return errors.New("shown a batch that is not the entry's")
			}
			seen++
			return nil
		})
		if orCorrupt(t, err) {
			require.Equal(t, count, seen)
		}
		requireSameRead(t, e, block, err)
	})
}

// requireSameRead: what is read piece by piece is what is read as a whole, down
// to the words about what is broken.
func requireSameRead(t *testing.T, e object.IndexEntry, block []byte, want error) {
	var whole, pieces [][]byte
	_ = object.ForEachBatch(1, e, block, func(enc []byte, _ object.RecordBatch) error {
		whole = append(whole, enc)
		return nil
	})
	err := object.ReadEntry(1, e, iotest.OneByteReader(bytes.NewReader(block)), func(b object.RecordBatch, n int32, payload io.Reader) error {
		var err error
		b.Payload, err = io.ReadAll(payload)
		require.Len(t, b.Payload, int(n))
		pieces = append(pieces, object.AppendBatch(nil, b))
		return err
	})
	require.Equal(t, whole, pieces)
	require.Equal(t, want, err)
}
