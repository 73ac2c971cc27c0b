package blockcache

import "golang.org/x/sys/unix"

// giveBack returns a slot's pages to the system; its addresses stay.
func giveBack(slot []byte) error { return unix.Madvise(slot[:cap(slot)], unix.MADV_DONTNEED) }
