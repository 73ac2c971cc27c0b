//go:build !linux

package replay

func priorities() string { busyThreads(); return "" }
