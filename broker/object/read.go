package object

import (
	"errors"
	"fmt"
	"io"
)

// ReadEntry does what ForEachBatch does for blocks that nobody wants to hold in
// memory. r gives the entry's bytes, from its Position on; no more than Size of
// them are read. fn gets each batch without its payload, the payload's length
// in bytes, and a reader of exactly that; what it leaves unread is skipped.
//
// Broken bytes are ErrCorrupt, as with ForEachBatch and in the same words. An
// error of r is passed on with its place.
func ReadEntry(object int64, e IndexEntry, r io.Reader, fn func(b RecordBatch, n int32, payload io.Reader) error) error {
	w := &entryReader{
		entryCheck: entryCheck{object: object, entry: e, next: e.StartOffset},
		in:         r, position: e.Position, end: e.Position + int64(e.Size), fn: fn,
	}
	for w.position < w.end {
		err := w.block()
		if errors.Is(err, ErrStop) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return w.complete()
}

// entryReader walks an entry's DataBlocks header by header.
type entryReader struct {
	entryCheck
	in       io.Reader
	position int64 // of the next byte, in the object
	end      int64 // of the entry's range
	head     [BatchHeaderSize]byte
	fn       func(RecordBatch, int32, io.Reader) error
}

// block reads one DataBlock.
func (w *entryReader) block() error {
	at := w.position
	head, err := w.header(BlockHeaderSize, w.end)
	if err != nil {
		return err
	}
	count, length, err := decodeBlockHeader(w.object, at, head, w.end-w.position)
	if err != nil {
		return err
	}
	end := w.position + int64(length)
	for range count {
		if err := w.readBatch(end); err != nil {
			return err
		}
	}
	return w.blockEnd(w.position, count, end-w.position)
}

// readBatch reads one batch of a block whose batches end at end.
func (w *entryReader) readBatch(end int64) error {
	at := w.position
	head, err := w.header(BatchHeaderSize, end)
	if err != nil {
		return err
	}
	b, n, err := decodeBatchHeader(w.object, at, head, end-w.position)
	if err != nil {
		return err
	}
	if err := w.batch(at, b); err != nil {
		return err
	}
	payload := &io.LimitedReader{R: w.in, N: int64(n)}
	if err := w.fn(b, n, payload); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, payload); err != nil {
		return w.failed(err)
	}
	if payload.N > 0 {
		return w.failed(io.ErrUnexpectedEOF)
	}
	w.position += int64(n)
	return nil
}

// header reads n bytes, or what is left before end: that too few are left is
// for the decoder to say.
func (w *entryReader) header(n int, end int64) ([]byte, error) {
	p := w.head[:min(int64(n), end-w.position)]
	if _, err := io.ReadFull(w.in, p); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, w.failed(err)
	}
	w.position += int64(len(p))
	return p, nil
}

func (w *entryReader) failed(err error) error {
	return fmt.Errorf("object %d, read at position %d: %w", w.object, w.position, err)
}
