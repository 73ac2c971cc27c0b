//go:build !unix || aix || solaris

package arena

import "unsafe"

// mapMemory takes it from the Go heap where there is no mmap: correct, but the
// collector counts it. Large objects do not move, so the alignment stays.
func mapMemory(size int) ([]byte, error) {
	const page = 4096
	b := make([]byte, size+page)
	from := -int(uintptr(unsafe.Pointer(&b[0]))) & (page - 1)
	return b[from : from+size : from+size], nil
}

func unmapMemory([]byte) error { return nil }
