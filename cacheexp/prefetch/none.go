package prefetch

func init() {
	register("none", func(arg string) (Prefetcher, error) { return none{}, plain(arg) })
}

// none fetches nothing before it is asked for: the base line. That misses which
// wait at the same time and are adjacent share a GET is the driver's doing, and
// holds for all prefetchers.
type none struct{}

// Access returns dst as it is.
func (none) Access(_ Access, _ Ahead, dst []Block) []Block { return dst }
