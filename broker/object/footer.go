package object

import (
	"encoding/binary"
	"errors"
)

// FooterSize is the length of the footer, which ends the object, in bytes.
const FooterSize = 48

const footerMagic uint64 = 0x88e241b785f4cff7

const footerMagicAt = 40

// AppendFooter appends the encoded footer to dst.
func AppendFooter(dst []byte, indexPos int64, indexLen int32) []byte {
	var f [FooterSize]byte
	binary.BigEndian.PutUint64(f[:], uint64(indexPos))
	binary.BigEndian.PutUint32(f[8:], uint32(indexLen))
	binary.BigEndian.PutUint64(f[footerMagicAt:], footerMagic)
	return append(dst, f[:]...)
}

// DecodeFooter reads the footer, which is the last FooterSize bytes of src,
// and returns where the IndexBlock lies. Positions in errors count from the
// footer's start, since the object's size is not known here.
func DecodeFooter(object int64, src []byte) (indexPos int64, indexLen int32, err error) {
	if len(src) < FooterSize {
		return 0, 0, corrupt(object, 0, "a footer of %d bytes, found %d", FooterSize, len(src))
	}
	src = src[len(src)-FooterSize:]
	if m := binary.BigEndian.Uint64(src[footerMagicAt:]); m != footerMagic {
		return 0, 0, corrupt(object, footerMagicAt, "footer magic %#x, found %#x", footerMagic, m)
	}
	indexPos = int64(binary.BigEndian.Uint64(src))
	indexLen = int32(binary.BigEndian.Uint32(src[8:]))
	if indexPos < 0 {
		return 0, 0, corrupt(object, 0, "an index position of 0 or more, found %d", indexPos)
	}
	if indexLen < 0 || indexLen%IndexEntrySize != 0 {
		return 0, 0, corrupt(object, 8, "an index length that is a multiple of %d, found %d", IndexEntrySize, indexLen)
	}
	return indexPos, indexLen, nil
}

// TailGuess is how many bytes from the end of an object of the given size are
// read first when nothing else says where its index lies: the footer and, for
// blocks of 1 MiB and more, most likely the whole index.
func TailGuess(size int64) int64 {
	return min(size, 1024+IndexEntrySize*(size>>20))
}

// Tail is what the end of a foreign object says about its index.
type Tail struct {
	IndexPosition int64
	IndexLength   int32
	// Index is the encoded IndexBlock, aliasing the tail that was read, or nil
	// when it begins before the tail: one more GET of exactly IndexLength
	// bytes at IndexPosition is due.
	Index []byte
}

// ReadTail interprets tail, the last len(tail) bytes of an object of size
// bytes. Errors wrap ErrCorrupt, with positions in the object.
func ReadTail(object, size int64, tail []byte) (Tail, error) {
	if int64(len(tail)) > size || len(tail) < FooterSize {
		return Tail{}, corrupt(object, 0, "an object of at least %d bytes, found %d (of them read %d)", FooterSize, size, len(tail))
	}
	pos, length, err := DecodeFooter(object, tail)
	if err != nil {
		if c, ok := errors.AsType[*CorruptError](err); ok {
			c.Position += size - FooterSize
		}
		return Tail{}, err
	}
	// Compared without adding pos to anything: it may be near MaxInt64.
	if want := size - FooterSize - int64(length); pos != want {
		return Tail{}, corrupt(object, size-FooterSize, "index position %d (its %d bytes end at the footer), found %d", want, length, pos)
	}
	t := Tail{IndexPosition: pos, IndexLength: length}
	if from := pos - (size - int64(len(tail))); from >= 0 {
		t.Index = tail[from : from+int64(length)]
	}
	return t, nil
}
