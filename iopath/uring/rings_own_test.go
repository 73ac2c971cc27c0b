//go:build linux && !giouring

package uring

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/iopath"
)

// rings that this build has.
var rings = []string{iopath.RingOwn}

// TestNoGiouring: a build without the library says how to get it.
func TestNoGiouring(t *testing.T) {
	_, err := Open(Config{Ring: iopath.RingGiouring, OpenOptions: iopath.OpenOptions{File: filepath.Join(t.TempDir(), "wal")}})
	require.ErrorIs(t, err, iopath.ErrUnsupported)
	require.ErrorContains(t, err, "-tags giouring -ldflags=-checklinkname=0")
}
