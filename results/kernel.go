package results

// KernelInfo is what the WAL's ways of writing depend on.
type KernelInfo struct {
	Release string `json:"release"`
	IOUring string `json:"io_uring"` // "available", or why not
}
