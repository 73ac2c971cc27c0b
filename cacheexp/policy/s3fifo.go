package policy

func init() {
	register("s3fifo", func(capacity int64) Policy { return &s3fifo{capacity: capacity} })
}

// s3fifo is S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO Queues are All You
// Need for Cache Eviction", SOSP 2023). Most keys are asked for once: they pass
// through a small queue and never reach the main one.
//
//	new ─▶ small (0.1) ── asked for twice ─▶ main (0.9, a CLOCK of two bits)
//	          │ else                           ▲
//	          └──────────▶ ghost (0.9) ── asked for again
//
// As in libCacheSim, a key that is in the ghost queue when it is asked for
// counts as such, though making room for it may push it out.
type s3fifo struct {
	queues
	capacity int64
}

const (
	s3Small uint8 = iota
	s3Main
	s3Ghost
)

const s3MostFreq = 3 // two bits

// Access counts the accesses of a resident key, up to three.
func (p *s3fifo) Access(r Request) bool {
	i := p.find(r.Key)
	if i == none || p.nodes[i].where == s3Ghost {
		return false
	}
	if n := &p.nodes[i]; n.count < s3MostFreq {
		n.count++
	}
	return true
}

// Insert puts a new key into the small queue and a ghost into the main one.
func (p *s3fifo) Insert(r Request) {
	if i := p.find(r.Key); i != none {
		p.revive(i, r, s3Main)
	} else {
		p.insert(r)
	}
	p.trim(s3Ghost, p.capacity*9/10)
}

// Evict takes from the small queue while it has its share or more.
func (p *s3fifo) Evict(Request) (Key, bool) {
	if p.q[s3Main].head == none || p.q[s3Small].bytes >= (p.capacity+9)/10 {
		return p.evictSmall()
	}
	return p.evictMain()
}

// evictSmall moves what was asked for twice on to the main queue and makes the
// first other key a ghost. When the main queue is full it is its turn.
func (p *s3fifo) evictSmall() (Key, bool) {
	for i := p.oldest(s3Small); i != none; i = p.oldest(s3Small) {
		if p.nodes[i].count <= 1 {
			p.move(i, s3Ghost)
			return p.nodes[i].key, true
		}
		p.nodes[i].count = 0
		p.move(i, s3Main)
		if p.q[s3Main].bytes > p.capacity-p.capacity/10 {
			break
		}
	}
	return p.evictMain()
}

// evictMain gives a key one more round for each access it has had.
func (p *s3fifo) evictMain() (Key, bool) {
	for i := p.oldest(s3Main); i != none; i = p.oldest(s3Main) {
		if p.nodes[i].count == 0 {
			return p.forget(i), true
		}
		p.nodes[i].count--
		p.q[s3Main].rotate(&p.table)
	}
	return Key{}, false
}

// Used is the sum of the sizes of what is resident.
func (p *s3fifo) Used() int64 { return p.q[s3Small].bytes + p.q[s3Main].bytes }
