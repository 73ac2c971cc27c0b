//go:build !linux

package bench

import "errors"

// dropPageCache is not to be had here.
func dropPageCache(string) error { return errors.New("this system has no call for it") }

// syncFiles neither: the page cache is not dropped later.
func syncFiles(string) error { return errors.New("this system has no call for it") }
