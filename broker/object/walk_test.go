package object_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/broker/object"
)

// TestNextBatch: walking a group of DataBlocks, empty ones among them, finds
// the batches that ForEachBatch finds, from any of them on.
func TestNextBatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var group []byte
		e := object.IndexEntry{StreamID: 0x5A5A, StartOffset: 0x5A}
		next := e.StartOffset
		for range rapid.IntRange(1, 5).Draw(t, "blocks") {
			var batches []byte
			n := rapid.IntRange(0, 4).Draw(t, "batches")
			for range n {
				b := object.RecordBatch{StreamID: e.StreamID, Epoch: 3, BaseOffset: next, Count: 2, Payload: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload")}
				batches, next = object.AppendBatch(batches, b), next+2
			}
			e.BatchCount += int32(n)
			group = append(group, 0x5A, 2, 0, 0, 0, byte(n), 0, 0, byte(len(batches)>>8), byte(len(batches)))
			group = append(group, batches...)
		}
		e.Size, e.EndOffsetDelta = int32(len(group)), int32(next-e.StartOffset)
		var want []object.RecordBatch
		require.NoError(t, object.ForEachBatch(1, e, group, func(_ []byte, b object.RecordBatch) error {
			want = append(want, b)
			return nil
		}))
		var got []object.RecordBatch
		for at := 0; ; {
			b, start, end, err := object.NextBatch(group, at)
			require.NoError(t, err)
			if start == len(group) {
				require.Equal(t, len(group), end)
				break
			}
			again, same, _, _ := object.NextBatch(group, start)
			require.Equal(t, start, same)
			require.Equal(t, b, again)
			got, at = append(got, b), end
		}
		require.Equal(t, want, got)
	})
}

func FuzzNextBatch(f *testing.F) {
	f.Add([]byte{0x5A, 2, 0, 0, 0, 1, 0, 0, 0, 9, 0x22}, 0)
	f.Fuzz(func(t *testing.T, block []byte, at int) {
		if at < 0 || at > len(block) {
			return
		}
		_, start, end, err := object.NextBatch(block, at)
		if err == nil {
			require.True(t, at <= start && start <= end && end <= len(block))
		} else {
			require.ErrorIs(t, err, object.ErrCorrupt)
		}
	})
}
