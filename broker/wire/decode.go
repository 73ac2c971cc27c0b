package wire

import "encoding/binary"

// decoder reads the bodies of the hot keys, field by field and without
// allocating. It is the walker with values: the first fault sticks, and what
// is read afterwards is zero. What it returns aliases the body.
type decoder struct{ walker }

func newDecoder(r *request) decoder {
	return decoder{walker{src: r.body, version: r.version, flexible: r.api.isFlexible(r.version)}}
}

// take returns the next n bytes, nil after a fault.
func (d *decoder) take(n int) []byte {
	b := d.src
	if d.skip(n); d.err != nil {
		return nil
	}
	return b[:n:n]
}

func (d *decoder) int8() int8 {
	if b := d.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (d *decoder) int16() int16 {
	if b := d.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (d *decoder) int32() int32 {
	if b := d.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (d *decoder) int64() int64 {
	if b := d.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (d *decoder) uuid() (id [16]byte) {
	copy(id[:], d.take(16))
	return id
}

// string reads a string; null is empty.
func (d *decoder) string() []byte { return d.take(d.length(2)) }

// bytes reads bytes; null is empty.
func (d *decoder) bytes() []byte { return d.take(d.length(4)) }

// array reads the number of elements; null is none. The bound holds for all
// arrays of a request together.
func (d *decoder) array() int {
	n := d.length(4)
	if d.elements += n; d.elements > maxElements {
		d.fail(errElements)
		return 0
	}
	return n
}

// endStruct skips the tags that end a struct of a flexible version.
func (d *decoder) endStruct() {
	if d.flexible && d.err == nil {
		d.tags()
	}
}
