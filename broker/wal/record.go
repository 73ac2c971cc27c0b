package wal

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/tidelog/tide/internal/align"
)

const (
	recordMagic        = 0x87654321
	paddingMagic       = 0x76543210
	recordHeaderLength = 24

	// crcChunk is copied, then summed while it is still in the first-level
	// cache: one pass over memory for both.
	crcChunk = 8 << 10
)

// checksum is the CRC of every structure of the log: CRC-32 (IEEE) without its
// top bit, as AutoMQ's signed integers have it.
func checksum(p []byte) uint32 { return crc32.ChecksumIEEE(p) & 0x7FFFFFFF }

// copySum copies src to dst and extends crc (top bit kept) over it.
func copySum(crc uint32, dst, src []byte) uint32 {
	for len(src) > 0 {
		n := copy(dst, src[:min(len(src), crcChunk)])
		crc = crc32.Update(crc, crc32.IEEETable, dst[:n])
		dst, src = dst[n:], src[n:]
	}
	return crc
}

// copyBody copies head and payload to dst and returns the checksum of both. A
// small body is summed in one go: for a head of 33 bytes a pass of its own costs
// as much as the whole.
func copyBody(dst, head, payload []byte) uint32 {
	if len(dst) <= crcChunk {
		copy(dst, head)
		copy(dst[len(head):], payload)
		return checksum(dst)
	}
	crc := copySum(0, dst, head)
	return copySum(crc, dst[len(head):], payload) & 0x7FFFFFFF
}

// recordHeader is the 24 bytes before a body.
type recordHeader struct {
	padding    bool
	bodyLength int64
	bodyOffset Offset // = the record's offset + 24
	bodyCRC    uint32
}

func (h recordHeader) encode(dst []byte) {
	be := binary.BigEndian
	be.PutUint32(dst, recordMagic)
	if h.padding {
		be.PutUint32(dst, paddingMagic)
	}
	be.PutUint32(dst[4:], uint32(h.bodyLength))
	be.PutUint64(dst[8:], uint64(h.bodyOffset))
	be.PutUint32(dst[16:], h.bodyCRC)
	be.PutUint32(dst[20:], checksum(dst[:20]))
}

// decodeRecordHeader reads one header. Whether the body lies where it may, and
// the offset is the one expected, is for the caller to judge.
func decodeRecordHeader(src []byte) (recordHeader, bool) {
	if len(src) < recordHeaderLength {
		return recordHeader{}, false
	}
	be := binary.BigEndian
	magic := be.Uint32(src)
	if (magic != recordMagic && magic != paddingMagic) || be.Uint32(src[20:]) != checksum(src[:20]) {
		return recordHeader{}, false
	}
	h := recordHeader{
		padding:    magic == paddingMagic,
		bodyLength: int64(int32(be.Uint32(src[4:]))),
		bodyOffset: Offset(be.Uint64(src[8:])),
		bodyCRC:    be.Uint32(src[16:]),
	}
	return h, h.bodyLength >= 0 && h.bodyOffset >= recordHeaderLength && h.bodyOffset <= maxOffset
}

// encodePadding makes dst a padding record that begins at off and fills it.
func encodePadding(dst []byte, off Offset) {
	body := int64(len(dst) - recordHeaderLength)
	recordHeader{padding: true, bodyLength: body, bodyOffset: off + recordHeaderLength}.encode(dst)
	clear(dst[recordHeaderLength:])
}

func alignDown[T align.Integer](n T) T { return align.Down(n, blockSize) }
func alignUp[T align.Integer](n T) T   { return align.Up(n, blockSize) }

// allZero reports whether p holds no other byte.
func allZero(p []byte) bool {
	for len(p) >= 8 {
		if binary.NativeEndian.Uint64(p) != 0 {
			return false
		}
		p = p[8:]
	}
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}
