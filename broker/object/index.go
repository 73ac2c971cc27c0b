package object

import (
	"encoding/binary"
	"math"
	"sort"
)

// IndexEntrySize is the length of one entry of an IndexBlock, in bytes.
const IndexEntrySize = 36

// IndexEntry says where a run of offsets of one stream lies in the object.
type IndexEntry struct {
	StreamID       int64
	StartOffset    int64
	EndOffsetDelta int32 // end offset (exclusive) − StartOffset
	BatchCount     int32
	Position       int64 // of the first DataBlock, bytes from the object's start
	Size           int32 // of the DataBlock or group of them, headers included, bytes
}

// EndOffset is the offset after the last record of the entry (exclusive).
func (e IndexEntry) EndOffset() int64 { return e.StartOffset + int64(e.EndOffsetDelta) }

// Index is an object's decoded IndexBlock, sorted by (StreamID, StartOffset).
// It is immutable and holds no reference to the bytes it was decoded from.
type Index []IndexEntry

// EncodedSize is the length of the IndexBlock, in bytes.
func (x Index) EncodedSize() int { return len(x) * IndexEntrySize }

// AppendIndex appends the encoded IndexBlock to dst.
func AppendIndex(dst []byte, x Index) []byte {
	for _, e := range x {
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.StreamID))
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.StartOffset))
		dst = binary.BigEndian.AppendUint32(dst, uint32(e.EndOffsetDelta))
		dst = binary.BigEndian.AppendUint32(dst, uint32(e.BatchCount))
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.Position))
		dst = binary.BigEndian.AppendUint32(dst, uint32(e.Size))
	}
	return dst
}

// DecodeIndex reads a whole IndexBlock whose position is not known: positions
// in errors count from its start, and blocks are not checked against the end
// of the data. Prefer DecodeIndexAt.
func DecodeIndex(object int64, src []byte) (Index, error) {
	return decodeIndex(object, 0, math.MaxInt64, src)
}

// DecodeIndexAt reads the IndexBlock that stands at position indexPos of the
// object; every DataBlock must end there or before. Errors wrap ErrCorrupt.
func DecodeIndexAt(object, indexPos int64, src []byte) (Index, error) {
	return decodeIndex(object, indexPos, indexPos, src)
}

func decodeIndex(object, position, dataEnd int64, src []byte) (Index, error) {
	if len(src)%IndexEntrySize != 0 {
		return nil, corrupt(object, position, "an index length that is a multiple of %d, found %d", IndexEntrySize, len(src))
	}
	x := make(Index, 0, len(src)/IndexEntrySize) // 40 bytes for each 36 at hand
	s := IndexScanner{object: object, position: position, dataEnd: dataEnd}
	for at := 0; at < len(src); at += IndexEntrySize {
		e, err := s.Next(src[at:])
		if err != nil {
			return nil, err
		}
		x = append(x, e)
	}
	return x, nil
}

// IndexScanner decodes an IndexBlock entry by entry, for those who would not
// hold a whole one. It makes the checks of DecodeIndexAt.
type IndexScanner struct {
	object   int64
	position int64 // of the next entry
	dataEnd  int64
	last     IndexEntry // meaningful once some is set
	some     bool
}

// NewIndexScanner begins at the first entry of the IndexBlock at position
// indexPos.
func NewIndexScanner(object, indexPos int64) *IndexScanner {
	return &IndexScanner{object: object, position: indexPos, dataEnd: indexPos}
}

// Next decodes the next entry out of the first IndexEntrySize bytes of src.
func (s *IndexScanner) Next(src []byte) (IndexEntry, error) {
	if len(src) < IndexEntrySize {
		return IndexEntry{}, corrupt(s.object, s.position, "an index entry of %d bytes, %d are left", IndexEntrySize, len(src))
	}
	e := decodeEntry(src[:IndexEntrySize])
	if err := e.check(s.object, s.position, s.dataEnd); err != nil {
		return IndexEntry{}, err
	}
	if s.some && !s.last.before(e) {
		return IndexEntry{}, corrupt(s.object, s.position, "an entry after stream %d, end offset %d, found stream %d, start offset %d",
			s.last.StreamID, s.last.EndOffset(), e.StreamID, e.StartOffset)
	}
	s.last, s.some = e, true
	s.position += IndexEntrySize
	return e, nil
}

func decodeEntry(src []byte) IndexEntry {
	return IndexEntry{
		StreamID:       int64(binary.BigEndian.Uint64(src)),
		StartOffset:    int64(binary.BigEndian.Uint64(src[8:])),
		EndOffsetDelta: int32(binary.BigEndian.Uint32(src[16:])),
		BatchCount:     int32(binary.BigEndian.Uint32(src[20:])),
		Position:       int64(binary.BigEndian.Uint64(src[24:])),
		Size:           int32(binary.BigEndian.Uint32(src[32:])),
	}
}

// check holds an entry against the bounds it has on its own. dataEnd is where
// the DataBlocks end.
func (e IndexEntry) check(object, position, dataEnd int64) error {
	least := int64(BlockHeaderSize) + int64(e.BatchCount)*BatchHeaderSize
	switch {
	case e.StartOffset < 0 || e.StartOffset > math.MaxInt64-math.MaxInt32:
		return corrupt(object, position+8, "a start offset from 0 to 2^63-2^31, found %d", e.StartOffset)
	case e.EndOffsetDelta < 0:
		return corrupt(object, position+16, "an end offset delta of 0 or more, found %d", e.EndOffsetDelta)
	case e.BatchCount < 0:
		return corrupt(object, position+20, "a batch count of 0 or more, found %d", e.BatchCount)
	case e.Position < 0 || e.Position > dataEnd:
		return corrupt(object, position+24, "a block position from 0 to %d, found %d", dataEnd, e.Position)
	case int64(e.Size) < least || int64(e.Size) > dataEnd-e.Position:
		return corrupt(object, position+32, "a block size from %d to %d, found %d", least, dataEnd-e.Position, e.Size)
	}
	return nil
}

// before reports whether next may follow e in an index: ranges of one stream
// ascend and do not overlap.
func (e IndexEntry) before(next IndexEntry) bool {
	if e.StreamID != next.StreamID {
		return e.StreamID < next.StreamID
	}
	return e.EndOffset() <= next.StartOffset
}

// Find returns the position in x of the entry that holds the offset of the
// stream, and whether there is one. It is a binary search.
func (x Index) Find(stream, offset int64) (int, bool) {
	i := sort.Search(len(x), func(i int) bool {
		e := x[i]
		return e.StreamID > stream || (e.StreamID == stream && e.EndOffset() > offset)
	})
	if i == len(x) || x[i].StreamID != stream || x[i].StartOffset > offset {
		return i, false
	}
	return i, true
}
