package inspect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/object/inspect"
)

// build lays out batches of one record and size bytes each, offsets of all
// streams from 0.
func build(t testing.TB, blockSize, size int, perStream ...int) ([]byte, object.Layout) {
	w := object.NewWriter(blockSize)
	for stream, n := range perStream {
		for i := range n {
			b := object.RecordBatch{StreamID: int64(stream), Epoch: 1, BaseOffset: int64(i), Count: 1, Payload: bytes.Repeat([]byte{byte(i)}, size)}
			require.NoError(t, w.Add(object.AppendBatch(nil, b)))
		}
	}
	l, err := w.Finish()
	require.NoError(t, err)
	return bytes.Join(l.Body, nil), l
}

// group makes one index entry of all blocks of a one-stream object, as
// compaction does.
func group(l object.Layout, all []byte) []byte {
	first, last := l.Entries[0], l.Entries[len(l.Entries)-1]
	first.EndOffsetDelta = int32(last.EndOffset() - first.StartOffset)
	first.Size = int32(l.IndexPosition)
	for _, e := range l.Entries[1:] {
		first.BatchCount += e.BatchCount
	}
	out := object.AppendIndex(bytes.Clone(all[:l.IndexPosition]), object.Index{first})
	return object.AppendFooter(out, l.IndexPosition, object.IndexEntrySize)
}

type dumped struct {
	Size          int64            `json:"size"`
	IndexPosition int64            `json:"index_position"`
	Entries       []map[string]any `json:"entries"`
	Batches       []map[string]any `json:"batches"`
}

func dump(t testing.TB, name string, all []byte) (dumped, []error, error) {
	var out bytes.Buffer
	var damage []error
	err := inspect.Dump(context.Background(), inspect.New(bytes.NewReader(all), name, int64(len(all))), &out, func(err error) { damage = append(damage, err) })
	var d dumped
	if out.Len() > 0 {
		require.NoError(t, json.Unmarshal(out.Bytes(), &d), "whatever is broken, what is printed is JSON")
		require.Equal(t, 1, bytes.Count(out.Bytes(), []byte("\n")))
	}
	return d, damage, err
}

func TestBlockGroups(t *testing.T) {
	all, l := build(t, 100, 60, 9)
	require.Greater(t, len(l.Entries), 3)
	d, _, err := dump(t, "grouped", group(l, all))
	require.NoError(t, err)
	require.Len(t, d.Entries, 1)
	require.Len(t, d.Batches, 9)
	r, err := inspect.Verify(t.Context(), inspect.New(bytes.NewReader(group(l, all)), "grouped", int64(len(group(l, all)))))
	require.NoError(t, err)
	require.EqualValues(t, 9, r.Batches)
	require.Zero(t, r.Unreferenced)
}

// TestDamageIsNamed: with the object, the place and what was expected; what is
// whole is shown all the same.
func TestDamageIsNamed(t *testing.T) {
	all, l := build(t, 100, 60, 2, 2, 2)
	const name = "objects/70000000/DEFAULT/7"
	broken := func(at int64, b byte) []byte {
		out := bytes.Clone(all)
		out[at] = b
		return out
	}
	second := l.Entries[1].Position
	for _, c := range []struct {
		all     []byte
		want    string
		batches int
		printed bool
	}{
		{broken(second, 0), "object 7, position 196: want block magic 0x5a, found 0x00", 4, true},
		{broken(second+object.BlockHeaderSize+8, 9), "object 7, position 207: want stream 1 as in the index, found 9", 4, true},
		{broken(l.IndexPosition+object.IndexEntrySize+7, 9), "want an entry after stream 9", 0, true},
		{broken(int64(len(all))-1, 0), "position 736: want footer magic", 0, false},
		{all[:40], "want an object of at least 48 bytes, found 40", 0, false},
		{nil, "want an object of at least 48 bytes, found 0", 0, false},
	} {
		d, damage, err := dump(t, name, c.all)
		require.ErrorIs(t, err, inspect.ErrDamaged)
		require.Len(t, damage, 1)
		require.ErrorContains(t, damage[0], c.want)
		require.Len(t, d.Batches, c.batches)
		require.Equal(t, c.printed, d.Size > 0)
		r, err := inspect.Verify(t.Context(), inspect.New(bytes.NewReader(c.all), name, int64(len(c.all))))
		require.ErrorIs(t, err, inspect.ErrDamaged)
		require.EqualValues(t, 1, r.Damaged)
		var text strings.Builder
		r.Print(&text)
		require.Contains(t, text.String(), "damage     "+name)
	}
}

// hollow is a file of any size of which only some pieces have bytes. It counts
// what is asked for at a time.
type hollow struct {
	pieces  map[int64][]byte // by position
	largest int
}

func (h *hollow) ReadAt(p []byte, at int64) (int, error) {
	h.largest = max(h.largest, len(p))
	clear(p)
	for pos, b := range h.pieces {
		for i := range b {
			if x := pos + int64(i) - at; x >= 0 && x < int64(len(p)) {
				p[x] = b[i]
			}
		}
	}
	return len(p), nil
}

// TestNothingIsHeld: one block of 64 MiB, of which no read takes more than a
// small piece.
func TestNothingIsHeld(t *testing.T) {
	const payload = 64 << 20
	head := make([]byte, object.BlockHeaderSize+object.BatchHeaderSize)
	copy(head, []byte{0x5A, 2, 0, 0, 0, 1})
	e := object.IndexEntry{StreamID: 5, StartOffset: 1, EndOffsetDelta: 1, BatchCount: 1, Size: int32(len(head) + payload)}
	putInt32(head[6:], e.Size-object.BlockHeaderSize)
	object.PutBatchHeader(head[object.BlockHeaderSize:], object.RecordBatch{StreamID: 5, BaseOffset: 1, Count: 1})
	putInt32(head[object.BlockHeaderSize+29:], payload)
	end := object.AppendFooter(object.AppendIndex(nil, object.Index{e}), int64(e.Size), object.IndexEntrySize)
	file := &hollow{pieces: map[int64][]byte{0: head, int64(e.Size): end}}
	r, err := inspect.Verify(t.Context(), inspect.New(file, "hollow", int64(e.Size)+int64(len(end))))
	require.NoError(t, err)
	require.EqualValues(t, payload, r.PayloadBytes)
	require.LessOrEqual(t, file.largest, 256<<10)
}

func putInt32(dst []byte, v int32) {
	copy(dst, []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

func TestUnreferencedAndManyFaults(t *testing.T) {
	all, l := build(t, 10, 20, 150)
	for _, e := range l.Entries {
		all[e.Position] = 1
	}
	r, err := inspect.Verify(t.Context(), inspect.New(bytes.NewReader(all), "x", int64(len(all))))
	require.ErrorIs(t, err, inspect.ErrDamaged)
	require.EqualValues(t, 150, r.Damaged)
	require.Len(t, r.Damage, 100)
	var text strings.Builder
	r.Print(&text)
	require.Contains(t, text.String(), "and 50 more")

	all, l = build(t, 10, 20, 3)
	short := object.AppendIndex(bytes.Clone(all[:l.IndexPosition]), l.Entries[:2])
	short = object.AppendFooter(short, l.IndexPosition, 2*object.IndexEntrySize)
	r, err = inspect.Verify(t.Context(), inspect.New(bytes.NewReader(short), "x", int64(len(short))))
	require.NoError(t, err)
	require.EqualValues(t, l.Entries[2].Size, r.Unreferenced)
}

// failing stands for a disk that does not read.
type failing struct{}

func (failing) ReadAt([]byte, int64) (int, error) { return 0, errors.New("input/output error") }

func TestReadErrorsAreNoDamage(t *testing.T) {
	_, err := inspect.Verify(t.Context(), inspect.New(failing{}, "disk", 1000))
	require.ErrorContains(t, err, "disk: input/output error")
	require.NotErrorIs(t, err, inspect.ErrDamaged)
	err = inspect.Dump(t.Context(), inspect.New(failing{}, "disk", 1000), io.Discard, func(error) {})
	require.ErrorContains(t, err, "input/output error")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	all, _ := build(t, 10, 20, 3)
	_, err = inspect.Verify(ctx, inspect.New(bytes.NewReader(all), "x", int64(len(all))))
	require.ErrorIs(t, err, context.Canceled)
}

func TestOpen(t *testing.T) {
	_, err := inspect.Open(t.TempDir())
	require.ErrorContains(t, err, "want a file")
	_, err = inspect.Open(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// FuzzVerify: any file is an object, or damaged, or both in part; nothing
// panics, and dump and verify agree.
func FuzzVerify(f *testing.F) {
	all, l := build(f, 100, 60, 3, 2)
	f.Add(all)
	f.Add(all[l.IndexPosition:])
	one, layout := build(f, 50, 30, 6)
	f.Add(group(layout, one))
	f.Fuzz(func(t *testing.T, all []byte) {
		r, err := inspect.Verify(context.Background(), inspect.New(bytes.NewReader(all), "f", int64(len(all))))
		if err != nil {
			require.ErrorIs(t, err, inspect.ErrDamaged)
		}
		require.Equal(t, err != nil, r.Damaged > 0)
		d, damage, errDump := dump(t, "f", all)
		require.Equal(t, err != nil, errDump != nil)
		require.Len(t, damage, int(r.Damaged))
		require.Len(t, d.Batches, int(r.Batches))
		require.Len(t, d.Entries, int(r.Entries))
	})
}

// TestKafkaBatchesAreHeldAgainstTheirCRC: the object's own format would not
// notice a bit that flipped in a payload.
func TestKafkaBatchesAreHeldAgainstTheirCRC(t *testing.T) {
	payload := make([]byte, 100)
	putInt32(payload[8:], 100-12)
	payload[16] = 2
	sum := crc32.Checksum(payload[21:], crc32.MakeTable(crc32.Castagnoli))
	putInt32(payload[17:], int32(sum))
	w := object.NewWriter(1 << 20)
	b := object.RecordBatch{StreamID: 7, Epoch: 1, BaseOffset: 40, Count: 1, Payload: payload}
	require.NoError(t, w.Add(object.AppendBatch(nil, b)))
	l, err := w.Finish()
	require.NoError(t, err)
	all := bytes.Join(l.Body, nil)
	verify := func() (inspect.Report, error) {
		return inspect.Verify(context.Background(), inspect.New(bytes.NewReader(all), "x", int64(len(all))))
	}
	r, err := verify()
	require.NoError(t, err)
	require.Zero(t, r.Unchecked)
	all[10+object.BatchHeaderSize+70] ^= 1
	r, err = verify()
	require.ErrorIs(t, err, inspect.ErrDamaged)
	require.Len(t, r.Damage, 1)
	require.Contains(t, r.Damage[0], "stream 7, batch at offset 40: CRC")
}
