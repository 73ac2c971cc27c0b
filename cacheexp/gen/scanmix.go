package gen

import (
	"math/rand/v2"

	"github.com/tidelog/tide/cacheexp/trace"
)

const (
	mostScans   = 1024
	scanObject  = 1 << 40 // objects of the scanned area have numbers from here on
	scanPerFile = 64      // blocks of one of them
	scanStream  = 1
)

func init() {
	register("scanmix", func(p *params) func() func() (trace.Access, bool) {
		m := &scanMix{
			alpha:    p.float("alpha", 1, 0, 10),
			objects:  p.count("objects", 1e5, 1, mostObjects),
			requests: p.count("requests", 1e6, 1, mostRequests),
			share:    p.float("scan", 0.3, 0, 1),
			cold:     p.count("cold", 1e6, 2, mostObjects),
			places:   make([]int64, p.count("scans", 4, 1, mostScans)),
			every:    interval(p),
			seed:     p.seed(),
		}
		m.blocks = p.sizes(m.seed)
		return m.begin
	})
}

// scanMix mixes requests for hot blocks with readers that walk through a cold
// area, round and round, from places at equal distances:
//
//	hot   ▪▪ ▪ ▪▪▪  ▪ ▪▪      Zipf, share 1 − scan
//	cold  ──▶ ──▶ ──▶ ──▶     readers of one stream, share scan
//
// A block of the cold area comes back only after cold ÷ scans others of it.
type scanMix struct {
	alpha, share            float64
	objects, requests, cold int64
	places                  []int64 // the next block of each scan
	every                   int64   // ns
	seed                    uint64
	blocks                  sizes
	rng                     *rand.Rand
	ranks                   *ranks
	made                    int64
}

func (m *scanMix) begin() func() (trace.Access, bool) {
	m.rng = rand.New(rand.NewPCG(m.seed, 0x7363616e))
	m.ranks = newRanks(m.objects, m.alpha, m.seed)
	for i := range m.places {
		m.places[i] = m.cold / int64(len(m.places)) * int64(i)
	}
	return m.next
}

func (m *scanMix) next() (trace.Access, bool) {
	if m.made == m.requests {
		return trace.Access{}, false
	}
	at := m.made * m.every
	m.made++
	if m.rng.Float64() >= m.share {
		return single(m.ranks.next(), m.blocks, at), true
	}
	scan := m.rng.IntN(len(m.places))
	n := m.places[scan]
	m.places[scan] = (n + 1) % m.cold
	return trace.Access{
		Kind: trace.Miss, Size: int32(m.blocks.mean()), Time: at, Stream: scanStream, Reader: uint64(scan) + 1,
		Object: scanObject + n/scanPerFile, Position: n % scanPerFile * m.blocks.mean(), Start: n, End: n + 1,
	}, true
}
