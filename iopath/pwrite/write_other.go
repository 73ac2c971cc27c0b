//go:build !linux

package pwrite

import "github.com/tidelog/tide/iopath"

// write is never reached: OpenDevice refuses before.
func (p *path) write(*iopath.Write) error { return iopath.ErrUnsupported }
