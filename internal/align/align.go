// Package align has the arithmetic of direct I/O: positions, lengths and
// addresses that are multiples of a power of two.
package align

import "unsafe"

// Integer is any integer that a position or a length may be.
type Integer interface {
	~int | ~int32 | ~int64 | ~uint64
}

// Up rounds n up to a multiple of unit, a power of two.
func Up[T Integer](n, unit T) T { return (n + unit - 1) &^ (unit - 1) }

// Down rounds n down to a multiple of unit, a power of two.
func Down[T Integer](n, unit T) T { return n &^ (unit - 1) }

// Is says whether n is a multiple of unit, a power of two.
func Is[T Integer](n, unit T) bool { return n&(unit-1) == 0 }

// Memory says whether p starts at an address that is a multiple of unit, a
// power of two. An empty p is aligned.
func Memory(p []byte, unit int) bool {
	return uintptr(unsafe.Pointer(unsafe.SliceData(p)))&uintptr(unit-1) == 0 || len(p) == 0
}

// Within says whether p lies wholly inside of outer. An empty p does.
func Within(p, outer []byte) bool {
	if len(p) == 0 {
		return true
	}
	start := uintptr(unsafe.Pointer(unsafe.SliceData(p)))
	base := uintptr(unsafe.Pointer(unsafe.SliceData(outer)))
	return start >= base && start+uintptr(len(p)) <= base+uintptr(len(outer))
}
