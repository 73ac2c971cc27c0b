//go:build !linux

package dir

import "os"

// directFlag: there is no O_DIRECT, files are written through the page cache.
const directFlag = 0

func renameNew(from, to string) error { return linkNew(from, to) }

// syncData makes a file's bytes and its length durable.
func syncData(f *os.File) error { return f.Sync() }
