//go:build unix && !aix && !solaris

package dir

import (
	"os"
	"syscall"
)

// countsLinks: it can be told of an open file that its name is gone.
const countsLinks = true

// unlinked reports that no name of the file is left.
func unlinked(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 0
}
