//go:build !linux

package bench

import "errors"

// dropPageCache is not to be had here.
func dropPageCache(string) error { return errors.New("this system has no call for it") }
