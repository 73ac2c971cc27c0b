//go:build !unix || aix || solaris

package dir

import "os"

// tryLock has no lock to take: there a directory is for one process only.
func tryLock(*os.File) bool { return true }
