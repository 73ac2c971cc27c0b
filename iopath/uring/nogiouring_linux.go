//go:build !giouring

package uring

import (
	"fmt"

	"github.com/tidelog/tide/iopath"
)

// openGiouring says how to get it.
func openGiouring(setup) (queue, error) {
	return nil, fmt.Errorf("ring=giouring %w: this program was built without it; "+
		"build with: go build -tags giouring -ldflags=-checklinkname=0, or use ring=own", iopath.ErrUnsupported)
}
