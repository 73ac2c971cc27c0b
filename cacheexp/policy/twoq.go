package policy

func init() {
	register("2q", func(capacity int64) Policy { return &twoQ{in: capacity / 4, out: capacity / 2} })
}

// twoQ is 2Q, the full version (Johnson, Shasha: "2Q: A Low Overhead High
// Performance Buffer Management Replacement Algorithm", VLDB 1994), with Kin
// and Kout at 25 % and 50 % of the capacity.
//
//	new ─▶ A1in (FIFO, Kin) ─▶ A1out (keys only, Kout) ── asked for again ─▶ Am (LRU)
//
// A hit in A1in changes nothing: requests that come close together are one.
type twoQ struct {
	queues
	in, out int64 // Kin and Kout, in the capacity's unit
}

const (
	a1in uint8 = iota
	a1out
	am
)

// Access moves a key of Am to the young end.
func (p *twoQ) Access(r Request) bool {
	i := p.find(r.Key)
	if i == none || p.nodes[i].where == a1out {
		return false
	}
	if p.nodes[i].where == am {
		p.move(i, am)
	}
	return true
}

// Insert puts a key that A1out remembers into Am, any other into A1in.
func (p *twoQ) Insert(r Request) {
	if i := p.find(r.Key); i != none {
		p.revive(i, r, am)
	} else {
		p.insert(r)
	}
	p.trim(a1out, p.out)
}

// Evict takes the oldest of A1in while it has more than its share, and
// remembers it; else the oldest of Am, which is forgotten.
func (p *twoQ) Evict(Request) (Key, bool) {
	old := p.oldest(am)
	if i := p.oldest(a1in); i != none && (p.q[a1in].bytes > p.in || old == none) {
		p.move(i, a1out)
		return p.nodes[i].key, true
	}
	if old == none {
		return Key{}, false
	}
	return p.forget(old), true
}

// Used is the sum of the sizes of what is resident.
func (p *twoQ) Used() int64 { return p.q[a1in].bytes + p.q[am].bytes }
