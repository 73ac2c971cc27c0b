package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Generated decoders trust the lengths of an array as long as that many BYTES
// follow, and the number of tags without any check: a frame of 4 MiB could
// make them allocate hundreds of MiB, and one of 20 bytes make them loop four
// billion times. So each key states the shape of its body as a list of fields,
// and the body is walked along it, allocating nothing, before it is decoded.
// Whatever passes has every element that its lengths announce.

type kind uint8

const (
	kindFixed  kind = iota // size bytes
	kindString             // int16 length, −1 null; compact when flexible
	kindBytes              // int32 length, −1 null; compact when flexible
	kindList               // array of the one field sub[0], which is no struct
	kindArray              // array of structs, each of them ended by tags when flexible
)

// field is one field of a body, present in versions first to last.
type field struct {
	kind        kind
	size        int
	first, last int16
	sub         []field
}

// maxElements bounds the elements of all arrays of one request together, so
// that decoded structs stay within some tens of MiB. The largest requests seen
// in practice (offset commits of whole clusters) have a few ten thousand.
const maxElements = 1 << 18

var (
	errShort    = errors.New("a length reaches beyond the end of the request")
	errElements = fmt.Errorf("more than %d array elements", maxElements)
	errLength   = errors.New("a negative length other than null")
)

const everyVersion = 1<<15 - 1

func fixed(size int) field { return field{kind: kindFixed, size: size, last: everyVersion} }
func text() field          { return field{kind: kindString, last: everyVersion} }
func blob() field          { return field{kind: kindBytes, last: everyVersion} }
func list(elem field) field {
	return field{kind: kindList, last: everyVersion, sub: []field{elem}}
}

func array(fields ...field) field {
	return field{kind: kindArray, last: everyVersion, sub: fields}
}

// since and until restrict a field to some versions.
func (f field) since(v int16) field { f.first = v; return f }
func (f field) until(v int16) field { f.last = v; return f }

// walker goes along a body. The first fault sticks.
type walker struct {
	src      []byte
	version  int16
	flexible bool
	elements int
	err      error
}

// checkShape walks the body of a request; nil means that it is whole.
func checkShape(fields []field, version int16, flexible bool, body []byte) error {
	w := walker{src: body, version: version, flexible: flexible}
	w.record(fields)
	return w.err
}

func (w *walker) record(fields []field) {
	for i := range fields {
		f := &fields[i]
		if w.version >= f.first && w.version <= f.last && w.err == nil {
			w.one(f)
		}
	}
	if w.flexible && w.err == nil {
		w.tags()
	}
}

func (w *walker) one(f *field) {
	switch f.kind {
	case kindFixed:
		w.skip(f.size)
	case kindString:
		w.skip(w.length(2))
	case kindBytes:
		w.skip(w.length(4))
	case kindList, kindArray:
		w.elems(f)
	}
}

func (w *walker) elems(f *field) {
	n := w.length(4)
	if w.elements += n; w.elements > maxElements {
		w.fail(errElements)
	}
	for ; n > 0 && w.err == nil; n-- {
		if f.kind == kindList {
			w.one(&f.sub[0])
		} else {
			w.record(f.sub)
		}
	}
}

// length reads a length of size bytes, or a varint when flexible. Null is 0.
// It is never more than the bytes that are left, since an element takes at
// least one.
func (w *walker) length(size int) int {
	var n int
	switch {
	case w.flexible:
		n = int(w.uvarint()) - 1
	case len(w.src) < size:
		w.fail(errShort)
		return 0
	case size == 2:
		n = int(int16(binary.BigEndian.Uint16(w.src)))
		w.src = w.src[2:]
	default:
		n = int(int32(binary.BigEndian.Uint32(w.src)))
		w.src = w.src[4:]
	}
	if n < -1 {
		w.fail(errLength)
	} else if n > len(w.src) {
		w.fail(errShort)
	}
	if w.err != nil {
		return 0
	}
	return max(n, 0)
}

func (w *walker) tags() {
	n := w.uvarint()
	if int64(n)*2 > int64(len(w.src)) { // a tag is two varints at least
		w.fail(errShort)
	}
	for ; n > 0 && w.err == nil; n-- {
		w.uvarint()
		size := w.uvarint()
		if int64(size) > int64(len(w.src)) {
			w.fail(errShort)
			return
		}
		w.skip(int(size))
	}
}

func (w *walker) uvarint() uint32 {
	v, n := binary.Uvarint(w.src)
	if n <= 0 || n > 5 || v > 1<<32-1 {
		w.fail(errShort)
		return 0
	}
	w.src = w.src[n:]
	return uint32(v)
}

func (w *walker) skip(n int) {
	if n > len(w.src) {
		w.fail(errShort)
		return
	}
	w.src = w.src[n:]
}

func (w *walker) fail(err error) {
	if w.err == nil {
		w.err = err
	}
	w.src = nil
}
