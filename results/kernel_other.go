//go:build !linux

package results

// Kernel reports that this system has none of the features that tide measures.
func Kernel() KernelInfo {
	return KernelInfo{Release: "not Linux", IOUring: "not supported on this system"}
}
