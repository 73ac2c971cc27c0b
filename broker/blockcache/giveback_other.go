//go:build !linux

package blockcache

// giveBack does nothing where MADV_DONTNEED is no promise: there the bound
// holds for slots in use, not for resident memory.
func giveBack([]byte) error { return nil }
