//go:build linux && giouring

package uring

import "github.com/tidelog/tide/iopath"

// rings that this build has.
var rings = []string{iopath.RingOwn, iopath.RingGiouring}
