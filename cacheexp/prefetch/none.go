package prefetch

import "fmt"

func init() {
	register("none", func(n int) (Prefetcher, error) {
		if n != 0 {
			return nil, fmt.Errorf("prefetcher none takes no number, found %d", n)
		}
		return none{}, nil
	})
}

// none fetches nothing before it is asked for: the base line.
type none struct{}

// Access returns dst as it is.
func (none) Access(_ Access, _ Ahead, dst []Block) []Block { return dst }
