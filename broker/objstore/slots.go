package objstore

import (
	"context"
	"sync"
)

// Slot is memory for one block of an object, with room around it for stores
// that read whole pages straight from a device:
//
//	Buf  │ before │ the block │ after │
//	     0        Head        Head + Size
//
// A store may write anything before and after the block.
type Slot struct {
	Buf  []byte
	Head int // bytes
	Size int // bytes
}

// Data is where the block goes.
func (s Slot) Data() []byte { return s.Buf[s.Head : s.Head+s.Size : s.Head+s.Size] }

// SlotReader is a Store that can fill several slots with one request, or fill
// one without a copy. Stores need not be one: see GetSlots.
type SlotReader interface {
	// SlotUnit is the alignment that saves a copy, in bytes, a power of two: Buf
	// begins at a multiple of it in memory, Head is the block's position in the
	// object modulo the unit, and Buf has room for Head + Size rounded up to it.
	// 0 or 1: no alignment helps.
	SlotUnit() int
	// GetSlots fills the slots with adjacent ranges of an object, of which the
	// first begins at pos. It is ONE request however many slots there are, with
	// the errors of GetRange; then the content of all slots is undefined. Slots
	// that are not aligned are filled all the same.
	GetSlots(ctx context.Context, key string, pos int64, slots []Slot) error
}

// SlotUnit is the alignment that saves s a copy, in bytes, at least 1.
func SlotUnit(s Store) int {
	if r, ok := s.(SlotReader); ok {
		return max(r.SlotUnit(), 1)
	}
	return 1
}

// GetSlots fills slots with one request to any Store: by its own GetSlots, or
// by one GetRange, through a buffer where there are several slots.
func GetSlots(ctx context.Context, s Store, key string, pos int64, slots []Slot) error {
	if r, ok := s.(SlotReader); ok {
		return r.GetSlots(ctx, key, pos, slots)
	}
	if len(slots) == 1 {
		return s.GetRange(ctx, key, pos, slots[0].Data())
	}
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	if n := SlotBytes(slots); cap(*buf) < n {
		*buf = make([]byte, n)
	} else {
		*buf = (*buf)[:n]
	}
	if err := s.GetRange(ctx, key, pos, *buf); err != nil {
		return err
	}
	rest := *buf
	for _, slot := range slots {
		rest = rest[copy(slot.Data(), rest):]
	}
	return nil
}

// scratch holds whole ranges on their way into several slots.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// SlotBytes is the length of the range that slots are filled with, in bytes.
func SlotBytes(slots []Slot) int {
	n := 0
	for _, s := range slots {
		n += s.Size
	}
	return n
}
