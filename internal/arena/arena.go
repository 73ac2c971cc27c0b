// Package arena gets memory from the system rather than from the Go heap: the
// log cache, the block cache and the buffers of direct I/O live in it. The
// collector neither scans nor counts it, it starts on a page boundary, and the
// kernel may be given its address for as long as it is mapped.
//
// The price: nothing frees it but Unmap, and touching it after that kills the
// process. Whoever maps an arena owns it and says when its last user is gone.
package arena

import (
	"fmt"
	"os"
)

// Map returns size bytes of zeroed memory that starts on a page boundary
// (4 KiB at least). Pages take physical memory when they are first touched.
func Map(size int) ([]byte, error) {
	if size <= 0 {
		return nil, fmt.Errorf("arena of %d bytes: want at least one", size)
	}
	b, err := mapMemory(size)
	if err != nil {
		return nil, fmt.Errorf("arena of %d bytes: %w", size, os.NewSyscallError("mmap", err))
	}
	return b, nil
}

// Unmap gives back what Map returned: exactly that slice, not a part of it.
// Nil is allowed and does nothing.
func Unmap(b []byte) error {
	if b == nil {
		return nil
	}
	if err := unmapMemory(b); err != nil {
		return fmt.Errorf("arena of %d bytes: %w", len(b), os.NewSyscallError("munmap", err))
	}
	return nil
}
