package wal

import (
	"encoding/binary"
	"fmt"

	"github.com/tidelog/tide/iopath"
)

const (
	blockSize    = iopath.BlockSize
	ringStart    = 2 * blockSize // position of the ring; the header slots lie before it
	headerMagic  = 0x01234567
	headerLength = 56

	// maxOffset bounds every offset taken from disk, so that sums of an offset
	// and a capacity cannot overflow.
	maxOffset   = Offset(1) << 62
	maxCapacity = int64(1) << 52
)

// Header is the content of a header slot. What it says was durable when it was
// written; the log itself may have grown since.
type Header struct {
	Capacity   int64  // bytes of the device, both header slots included
	TrimOffset Offset // the last record that is dead; −1: none yet
	Version    int64  // only grows; the newer of two valid slots wins
	WindowMax  int64  // bytes; no write lay further beyond the durable prefix
	Clean      bool   // closed with nothing left to recover
	NodeID     int32
	NodeEpoch  int64
}

// ring is the number of bytes that offsets wrap around at.
func (h Header) ring() int64 { return alignDown(h.Capacity) - ringStart }

// encode fills the first 56 bytes of dst and zeroes the rest of its 4 KiB.
func (h Header) encode(dst []byte) {
	clear(dst[headerLength:blockSize])
	be := binary.BigEndian
	be.PutUint32(dst[0:], headerMagic)
	be.PutUint64(dst[4:], uint64(h.Capacity))
	be.PutUint64(dst[12:], uint64(h.TrimOffset))
	be.PutUint64(dst[20:], uint64(h.Version))
	be.PutUint64(dst[28:], uint64(h.WindowMax))
	be.PutUint32(dst[36:], 1)
	if h.Clean {
		be.PutUint32(dst[36:], 0)
	}
	be.PutUint32(dst[40:], uint32(h.NodeID))
	be.PutUint64(dst[44:], uint64(h.NodeEpoch))
	be.PutUint32(dst[52:], checksum(dst[:52]))
}

// decodeHeader accepts only what a log could have written: a right checksum
// over numbers that make no sense is no header either.
func decodeHeader(src []byte) (Header, bool) {
	be := binary.BigEndian
	if len(src) < headerLength || be.Uint32(src) != headerMagic || be.Uint32(src[52:]) != checksum(src[:52]) {
		return Header{}, false
	}
	h := Header{
		Capacity:   int64(be.Uint64(src[4:])),
		TrimOffset: Offset(be.Uint64(src[12:])),
		Version:    int64(be.Uint64(src[20:])),
		WindowMax:  int64(be.Uint64(src[28:])),
		Clean:      be.Uint32(src[36:]) == 0,
		NodeID:     int32(be.Uint32(src[40:])),
		NodeEpoch:  int64(be.Uint64(src[44:])),
	}
	sane := h.Capacity >= ringStart+blockSize && h.Capacity <= maxCapacity &&
		h.TrimOffset >= -1 && h.TrimOffset <= maxOffset &&
		h.WindowMax >= 0 && h.WindowMax <= maxCapacity
	return h, sane
}

// slotState is what stands in one of the two header slots.
type slotState struct {
	header Header
	valid  bool
	zero   bool // never written
}

// slots are both header slots as read from the device.
type slots [2]slotState

// newest is the index of the valid slot with the larger version, or −1.
func (s slots) newest() int {
	switch {
	case s[0].valid && (!s[1].valid || s[0].header.Version >= s[1].header.Version):
		return 0
	case s[1].valid:
		return 1
	}
	return -1
}

// destroyed says that headers were written and none can be read. One torn slot
// beside one never written is a first reset that was cut short: nothing had
// been accepted yet, so nothing is lost.
func (s slots) destroyed() bool {
	return s.newest() < 0 && !s[0].zero && !s[1].zero
}

// readSlots reads both slots through buf, aligned memory of 8 KiB.
func readSlots(p iopath.Path, buf []byte) (s slots, err error) {
	if _, err := p.ReadAt(buf[:ringStart], 0); err != nil {
		return s, fmt.Errorf("read wal headers: %w", err)
	}
	for i := range s {
		slot := buf[i*blockSize : (i+1)*blockSize]
		s[i].header, s[i].valid = decodeHeader(slot)
		s[i].zero = allZero(slot)
	}
	return s, nil
}

// CheckOwner decides whether the log found is the one this node wrote last.
// lastOpened and lastClosed are the newest node epochs that the controller has
// for WALOpened and WALClosed of this node; 0 is none, epochs begin at 1.
//
// A log closed clean was empty, so after WALClosed of the newest epoch an empty
// volume, or an older one of the same node, owes nobody anything. A header of
// another node is refused always: a reset would destroy that node's records.
func CheckOwner(h Header, found bool, nodeID int32, lastOpened, lastClosed int64) error {
	owes := lastOpened > 0 && lastClosed < lastOpened
	switch {
	case found && h.NodeID != nodeID:
		return fmt.Errorf("%w: written by node %d, this is node %d", ErrForeign, h.NodeID, nodeID)
	case !found && owes:
		return fmt.Errorf("%w: looked for epoch %d of node %d, found no valid header", ErrForeign, lastOpened, nodeID)
	case found && owes && h.NodeEpoch < lastOpened:
		return fmt.Errorf("%w: looked for epoch %d of node %d, found epoch %d", ErrForeign, lastOpened, nodeID, h.NodeEpoch)
	}
	return nil
}
