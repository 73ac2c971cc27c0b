package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// HeaderSize is the smallest value that can be verified, in bytes.
const HeaderSize = 40

const recordMagic = 0x314c6454 // "TdL1", little-endian

// ErrForeign is returned for a value that this package did not write.
var ErrForeign = errors.New("not a record of this load")

// ErrCorrupt is returned for a value whose CRC does not match.
var ErrCorrupt = errors.New("CRC of the record's value does not match")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Stamp is what a record says about itself.
type Stamp struct {
	Producer  uint32 // the client that sent it: producers that share one share its order
	Partition uint32 // over all topics
	Sequence  int64  // dense per client and partition
	Intended  int64  // ns of the Clock
	Sent      int64  // ns of the Clock
}

// write puts header and payload into v, whose length is the payload's; the
// payload's own first bytes make place for the header.
func (s Stamp) write(v, payload []byte) {
	copy(v[HeaderSize:], payload[HeaderSize:])
	binary.LittleEndian.PutUint32(v[0:], recordMagic)
	binary.LittleEndian.PutUint32(v[8:], s.Producer)
	binary.LittleEndian.PutUint32(v[12:], s.Partition)
	binary.LittleEndian.PutUint64(v[16:], uint64(s.Sequence))
	binary.LittleEndian.PutUint64(v[24:], uint64(s.Intended))
	binary.LittleEndian.PutUint64(v[32:], uint64(s.Sent))
	binary.LittleEndian.PutUint32(v[4:], crc32.Checksum(v[8:], castagnoli))
}

// ReadStamp checks a value and reads its stamp.
func ReadStamp(v []byte) (Stamp, error) {
	if len(v) < HeaderSize || binary.LittleEndian.Uint32(v) != recordMagic {
		return Stamp{}, fmt.Errorf("%d bytes: %w", len(v), ErrForeign)
	}
	if got, want := crc32.Checksum(v[8:], castagnoli), binary.LittleEndian.Uint32(v[4:]); got != want {
		return Stamp{}, fmt.Errorf("value says %08x, computed %08x: %w", want, got, ErrCorrupt)
	}
	return Stamp{
		Producer:  binary.LittleEndian.Uint32(v[8:]),
		Partition: binary.LittleEndian.Uint32(v[12:]),
		Sequence:  int64(binary.LittleEndian.Uint64(v[16:])),
		Intended:  int64(binary.LittleEndian.Uint64(v[24:])),
		Sent:      int64(binary.LittleEndian.Uint64(v[32:])),
	}, nil
}
