package object

import (
	"errors"
	"fmt"
	"math"
)

// Errors of the Writer. They are faults of the caller, not of bytes on disk.
var (
	// ErrOrder: a batch came that does not follow the one before it.
	ErrOrder = errors.New("batch out of order")
	// ErrEmpty: an object was finished that holds no batch.
	ErrEmpty = errors.New("object without batches")
	// ErrTooLarge: the index or a single batch does not fit the format's
	// 32-bit lengths.
	ErrTooLarge = errors.New("too large for the object format")
)

// DefaultBlockSize is the block size used when none is given, in bytes: each
// stream's data is cut so that a block stays quick to search.
const DefaultBlockSize = 1 << 20

// Layout is a finished object as pieces that refer to the batches given to
// the Writer: nothing was copied but headers and index. It is valid as long
// as those batches are.
type Layout struct {
	Body          [][]byte // in order; an objstore.Body
	Size          int64    // of the object, bytes
	IndexPosition int64
	IndexLength   int32
	Entries       Index
}

// Writer lays out an object from encoded batches. It keeps slices of them and
// copies no payload. It is used once, by one goroutine.
//
// A DataBlock is closed by the batch that brings the sum of its PAYLOAD bytes
// (not of the encoded ones) to the block size or over it, and at the end of a
// stream. It is also closed before a batch that its 32-bit fields could not
// count any more.
type Writer struct {
	blockSize int
	body      [][]byte
	position  int64 // where the next byte goes
	entries   Index

	open    bool       // a block is open
	head    []byte     // header of the open block, filled in when it is closed
	entry   IndexEntry // of the open block
	payload int        // payload bytes in the open block

	last  RecordBatch // last batch added, for the order; meaningful once some is set
	some  bool
	heads []byte // slab that block headers are cut from
}

// NewWriter returns a Writer that closes blocks at blockSize payload bytes
// (DefaultBlockSize when it is 0 or less).
func NewWriter(blockSize int) *Writer {
	if blockSize <= 0 {
		blockSize = DefaultBlockSize
	}
	return &Writer{blockSize: blockSize}
}

// Add puts the next batch, encoded with its header, at the end of the object.
// Streams come in ascending id, offsets ascending within a stream; else the
// error wraps ErrOrder. encoded must not change until the Layout is done with.
// When it directly follows the batch before it in memory, and that one's
// capacity reaches over it, the two become one piece of the body.
func (w *Writer) Add(encoded []byte) error {
	b, n, err := DecodeBatch(encoded)
	if err != nil {
		return err
	}
	if n != len(encoded) {
		return corrupt(UnknownObject, int64(n), "the end of the batch, %d bytes are left", len(encoded)-n)
	}
	if err := w.checkOrder(b); err != nil {
		return err
	}
	if n > math.MaxInt32-BlockHeaderSize {
		return fmt.Errorf("stream %d, batch of %d bytes at offset %d: %w", b.StreamID, n, b.BaseOffset, ErrTooLarge)
	}
	if w.open && !w.fits(b, n) {
		w.closeBlock()
	}
	if !w.open {
		w.openBlock(b)
	}
	w.push(encoded)
	w.entry.EndOffsetDelta = int32(b.EndOffset() - w.entry.StartOffset)
	w.entry.BatchCount++
	w.entry.Size += int32(n)
	w.payload += len(b.Payload)
	w.last, w.some = b, true
	if w.payload >= w.blockSize {
		w.closeBlock()
	}
	return nil
}

func (w *Writer) checkOrder(b RecordBatch) error {
	l := w.last
	if w.some && (b.StreamID < l.StreamID || (b.StreamID == l.StreamID && b.BaseOffset < l.EndOffset())) {
		return fmt.Errorf("stream %d, offset %d after stream %d, offsets up to %d: %w",
			b.StreamID, b.BaseOffset, l.StreamID, l.EndOffset(), ErrOrder)
	}
	return nil
}

// fits reports whether a batch of n encoded bytes may join the open block: it
// is of the same stream, and neither size nor offset delta leaves 32 bits.
func (w *Writer) fits(b RecordBatch, n int) bool {
	return b.StreamID == w.entry.StreamID &&
		int64(w.entry.Size)+int64(n) <= math.MaxInt32 &&
		b.EndOffset()-w.entry.StartOffset <= math.MaxInt32
}

func (w *Writer) openBlock(b RecordBatch) {
	if len(w.heads) < BlockHeaderSize {
		w.heads = make([]byte, 64*BlockHeaderSize)
	}
	w.head, w.heads = w.heads[:BlockHeaderSize:BlockHeaderSize], w.heads[BlockHeaderSize:]
	w.entry = IndexEntry{StreamID: b.StreamID, StartOffset: b.BaseOffset, Position: w.position, Size: BlockHeaderSize}
	w.payload = 0
	w.open = true
	w.push(w.head)
}

func (w *Writer) closeBlock() {
	putBlockHeader(w.head, w.entry.BatchCount, w.entry.Size-BlockHeaderSize)
	w.entries = append(w.entries, w.entry)
	w.open = false
}

// push appends p to the body, as part of the last piece where it directly
// follows that in memory. Extending the piece within its own capacity and
// comparing addresses needs no unsafe: if the byte after the piece IS p's
// first byte, both are one allocation.
func (w *Writer) push(p []byte) {
	w.position += int64(len(p))
	if n := len(w.body); n > 0 {
		piece := w.body[n-1]
		if joined := len(piece) + len(p); joined <= cap(piece) && &piece[:joined][len(piece)] == &p[0] {
			w.body[n-1] = piece[:joined]
			return
		}
	}
	w.body = append(w.body, p)
}

// Finish closes the last block and adds index and footer. The Writer must not
// be used afterwards.
func (w *Writer) Finish() (Layout, error) {
	if w.open {
		w.closeBlock()
	}
	if len(w.entries) == 0 {
		return Layout{}, ErrEmpty
	}
	if len(w.entries) > math.MaxInt32/IndexEntrySize {
		return Layout{}, fmt.Errorf("index of %d entries: %w", len(w.entries), ErrTooLarge)
	}
	l := Layout{IndexPosition: w.position, IndexLength: int32(w.entries.EncodedSize()), Entries: w.entries}
	end := make([]byte, 0, int(l.IndexLength)+FooterSize)
	end = AppendIndex(end, w.entries)
	end = AppendFooter(end, l.IndexPosition, l.IndexLength)
	w.push(end)
	l.Body, l.Size = w.body, w.position
	return l, nil
}
