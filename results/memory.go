package results

// Names of the figures of memory, in MiB. Peaks of a cgroup have the page cache
// in them, which RSS has not; RSS has what is mapped, and a JVM's whole heap.
const (
	FigureRSS       = "target peak RSS"
	FigureMemory    = "target peak memory"          // of its cgroup (memory=)
	FigureArenas    = "target arenas"               // log cache, block cache and request buffers of tide, what is resident
	FigureRSSLess   = "target peak RSS less arenas" // by seconds; the peak RSS where there are none
	FigureOwnRSS    = "generator peak RSS"
	FigureOwnMemory = "generator peak memory" // of the load's cgroup, from the first send on
)

// Heap is the JVM's -Xmx of a target that is Kafka, as it was written; "" for
// others.
func (r *Run) Heap() string { return r.Config["kafka.jvm.heap"] }
