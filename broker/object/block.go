package object

import (
	"encoding/binary"
	"errors"
)

// BlockHeaderSize is the length of a DataBlock before its batches, in bytes.
const BlockHeaderSize = 10

const (
	blockMagic        = 0x5A
	blockUncompressed = 0x02 // the only flags value there is
)

// ErrStop is returned by the callback of ForEachBatch to end the loop early;
// ForEachBatch then returns nil.
var ErrStop = errors.New("stop")

func putBlockHeader(dst []byte, count, length int32) {
	_ = dst[BlockHeaderSize-1]
	dst[0] = blockMagic
	dst[1] = blockUncompressed
	binary.BigEndian.PutUint32(dst[2:], uint32(count))
	binary.BigEndian.PutUint32(dst[6:], uint32(length))
}

// decodeBlockHeader reads the header of a DataBlock at the start of src,
// behind which there are rest bytes. It returns how many batches the block
// announces and how many bytes hold them, which is at most rest.
func decodeBlockHeader(object, position int64, src []byte, rest int64) (count, length int32, err error) {
	if len(src) < BlockHeaderSize {
		return 0, 0, corrupt(object, position, "a block header of %d bytes, %d are left", BlockHeaderSize, len(src))
	}
	if src[0] != blockMagic {
		return 0, 0, corrupt(object, position, "block magic %#02x, found %#02x", blockMagic, src[0])
	}
	if src[1] != blockUncompressed {
		return 0, 0, corrupt(object, position+1, "block flags %#02x (uncompressed), found %#02x", blockUncompressed, src[1])
	}
	count = int32(binary.BigEndian.Uint32(src[2:]))
	length = int32(binary.BigEndian.Uint32(src[6:]))
	if length < 0 || int64(length) > rest {
		return 0, 0, corrupt(object, position+6, "a data length of 0 to %d, found %d", rest, length)
	}
	if most := length / BatchHeaderSize; count < 0 || count > most {
		return 0, 0, corrupt(object, position+2, "a batch count of 0 to %d, found %d", most, count)
	}
	return count, length, nil
}

// ForEachBatch calls fn for every batch of the block, or of the group of
// blocks, that index entry e describes. block is the entry's whole range of
// the object. encoded is the batch with its header, b the same decoded; both
// alias block and are only as valid as it is. The loop ends at the first
// error of fn, which is returned (nil for ErrStop).
//
// Each batch is checked against the entry before fn sees it: the stream, the
// offsets within the entry's and in order. That all batches are there is known
// only at the end, so a caller that must not act on half a block collects
// first.
func ForEachBatch(object int64, e IndexEntry, block []byte, fn func(encoded []byte, b RecordBatch) error) error {
	if len(block) != int(e.Size) {
		return corrupt(object, e.Position, "a block of %d bytes, found %d", e.Size, len(block))
	}
	c := entryCheck{object: object, entry: e, next: e.StartOffset}
	for at := 0; at < len(block); {
		count, length, err := decodeBlockHeader(object, e.Position+int64(at), block[at:], int64(len(block)-at-BlockHeaderSize))
		if err != nil {
			return err
		}
		at += BlockHeaderSize
		data := block[at : at+int(length)]
		if err := c.batches(e.Position+int64(at), count, data, fn); err != nil {
			if errors.Is(err, ErrStop) {
				return nil
			}
			return err
		}
		at += len(data)
	}
	return c.complete()
}

// entryCheck compares the batches of an entry's blocks with the entry.
type entryCheck struct {
	object int64
	entry  IndexEntry
	seen   int32 // batches so far
	next   int64 // the next batch may not begin before this offset
}

// batches walks the batches of one DataBlock, which begin at position.
func (c *entryCheck) batches(position int64, count int32, data []byte, fn func([]byte, RecordBatch) error) error {
	for range count {
		b, n, err := decodeBatch(c.object, position, data)
		if err != nil {
			return err
		}
		if err := c.batch(position, b); err != nil {
			return err
		}
		if err := fn(data[:n:n], b); err != nil {
			return err
		}
		data, position = data[n:], position+int64(n)
	}
	return c.blockEnd(position, count, int64(len(data)))
}

// blockEnd is told how many bytes of a block are left behind its batches.
func (c *entryCheck) blockEnd(position int64, count int32, left int64) error {
	if left != 0 {
		return corrupt(c.object, position, "the block's end after its %d batches, %d bytes are left", count, left)
	}
	return nil
}

func (c *entryCheck) batch(position int64, b RecordBatch) error {
	e := c.entry
	switch {
	case b.StreamID != e.StreamID:
		return corrupt(c.object, position+1, "stream %d as in the index, found %d", e.StreamID, b.StreamID)
	case c.seen == 0 && b.BaseOffset != e.StartOffset:
		return corrupt(c.object, position+17, "base offset %d as in the index, found %d", e.StartOffset, b.BaseOffset)
	case b.BaseOffset < c.next:
		return corrupt(c.object, position+17, "a base offset of %d or more, found %d", c.next, b.BaseOffset)
	case b.EndOffset() > e.EndOffset():
		return corrupt(c.object, position+25, "an end offset up to %d as in the index, found %d", e.EndOffset(), b.EndOffset())
	case c.seen == e.BatchCount:
		return corrupt(c.object, position, "%d batches as in the index, found more", e.BatchCount)
	}
	c.seen++
	c.next = b.EndOffset()
	return nil
}

func (c *entryCheck) complete() error {
	e := c.entry
	if c.seen != e.BatchCount {
		return corrupt(c.object, e.Position, "%d batches as in the index, found %d", e.BatchCount, c.seen)
	}
	if c.next != e.EndOffset() {
		return corrupt(c.object, e.Position, "end offset %d as in the index, found %d", e.EndOffset(), c.next)
	}
	return nil
}
