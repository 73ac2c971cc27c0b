package prefetch

const (
	chunkSize  = 4 << 20 // by default, bytes
	chunkLeast = 64 << 10
	chunkMost  = 64 << 20
)

func init() {
	register("chunk", func(arg string) (Prefetcher, error) {
		size, err := sizeOf(arg, chunkSize, chunkLeast, chunkMost)
		return chunk{size}, err
	})
}

// chunk reads the whole aligned chunk of the object that a missed block begins
// in, as the chunk caches of plug-ins for Kafka's tiered storage (KIP-405) do,
// with one GET that whoever wants any block of it waits for:
//
//	object  │ chunk 0        │ chunk 1        │ chunk 2
//	blocks  │ a a b b c c c  │ c d d[d]d e e  │ …
//	                          └───── GET ────┘
//
// It knows no readers, so it needs no history and serves a look-up no better and
// no worse than a scan. In an object of many streams it brings the neighbours'
// blocks too, which is over-read unless somebody wants those soon. Blocks of the
// chunk that are in the cache already split the GET.
type chunk struct{ size int64 }

func (chunk) joins() {}

// Access proposes the rest of the chunk at a miss.
func (p chunk) Access(a Access, ahead Ahead, dst []Block) []Block {
	if a.Hit {
		return dst
	}
	first := a.Block.Position / p.size * p.size
	before := len(dst)
	dst = ahead.Around(first, first+p.size, dst)
	out := dst[:before]
	for _, b := range dst[before:] {
		if b != a.Block {
			out = append(out, b)
		}
	}
	return out
}
