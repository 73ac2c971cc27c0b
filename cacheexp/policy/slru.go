package policy

func init() {
	register("slru", func(capacity int64) Policy { return &slru{segment: capacity / slruSegments} })
}

// slru is segmented LRU (Karedla, Love, Wherry: "Caching Strategies to Improve
// Disk System Performance", 1994) with four segments, as in Huang et al., "An
// Analysis of Facebook Photo Caching", SOSP 2013. A hit takes a key one
// segment up; what overflows a segment falls to the young end of the one below.
//
//	new ─▶ 0 ─ hit ▶ 1 ─ hit ▶ 2 ─ hit ▶ 3     each of 1–3 at most a quarter
//	◀ evict  ◀ full    ◀ full    ◀ full
//
// Segment 0 has what the others leave it, so that a cache is full before
// anything is evicted.
type slru struct {
	queues
	segment int64 // size of each segment above the lowest
}

const slruSegments = 4

// Access takes a resident key one segment up.
func (p *slru) Access(r Request) bool {
	i := p.find(r.Key)
	if i == none {
		return false
	}
	n := &p.nodes[i]
	if p.sizes[i] > p.segment { // it would push everything down, itself too
		p.move(i, n.where)
		return true
	}
	p.move(i, min(n.where+1, slruSegments-1))
	for s := uint8(slruSegments - 1); s > 0; s-- {
		for p.q[s].bytes > p.segment {
			p.move(p.oldest(s), s-1)
		}
	}
	return true
}

// Insert puts the key into the lowest segment.
func (p *slru) Insert(r Request) { p.insert(r) }

// Evict takes the oldest key of the lowest segment that has one.
func (p *slru) Evict(Request) (Key, bool) {
	for s := range uint8(slruSegments) {
		if i := p.oldest(s); i != none {
			return p.forget(i), true
		}
	}
	return Key{}, false
}

// Used is the sum of the sizes of what is resident.
func (p *slru) Used() int64 {
	return p.q[0].bytes + p.q[1].bytes + p.q[2].bytes + p.q[3].bytes
}
