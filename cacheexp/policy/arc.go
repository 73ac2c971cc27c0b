package policy

func init() {
	register("arc", func(capacity int64) Policy { return &arc{capacity: capacity} })
}

// arc is ARC (Megiddo, Modha: "ARC: A Self-Tuning, Low Overhead Replacement
// Cache", FAST 2003). T1 holds what was asked for once, T2 what was asked for
// again, B1 and B2 the keys that left them; a hit in B1 says that T1 should
// have been larger, one in B2 the same of T2.
//
//	┌── B1 ──┬── T1 ──┐┌── T2 ──┬── B2 ──┐
//	         ◀── target ─▶
//
// T1 and B1 together are at most the capacity, all four twice that. With sizes
// the target moves by as many units as the block has.
type arc struct {
	queues
	capacity int64
	target   float64 // of T1's size: p in the paper
}

const (
	t1 uint8 = iota
	t2
	b1
	b2
)

// Access moves a resident key to T2, and lets a remembered one move the
// target.
func (p *arc) Access(r Request) bool {
	i := p.find(r.Key)
	if i == none {
		return false
	}
	switch p.nodes[i].where {
	case b1:
		p.target = min(p.target+p.step(b2, b1)*float64(r.Size), float64(p.capacity))
		return false
	case b2:
		p.target = max(p.target-p.step(b1, b2)*float64(r.Size), 0)
		return false
	}
	p.move(i, t2)
	return true
}

// step is how much faster the larger list of ghosts pulls.
func (p *arc) step(other, own uint8) float64 {
	return max(float64(p.q[other].bytes)/float64(p.q[own].bytes), 1)
}

// Insert puts a remembered key into T2, any other into T1. The paper forgets
// the oldest ghost before it makes another; forgetting it after that is the
// same, and also holds when blocks were removed.
func (p *arc) Insert(r Request) {
	if i := p.find(r.Key); i != none {
		p.revive(i, r, t2)
	} else {
		p.insert(r)
	}
	p.trim(b1, p.capacity-p.q[t1].bytes)
	p.trim(b2, 2*p.capacity-p.q[t1].bytes-p.q[b1].bytes-p.q[t2].bytes)
}

// Evict is the paper's REPLACE: from T1 if it is larger than its target, or
// just as large and B2 asks for room.
func (p *arc) Evict(r Request) (Key, bool) {
	from, to := t2, b2
	size := float64(p.q[t1].bytes)
	if size > p.target || size == p.target && p.isIn(r.Key, b2) || p.q[t2].head == none {
		from, to = t1, b1
	}
	if p.q[from].head == none {
		from, to = t2, b2
	}
	i := p.oldest(from)
	if i == none {
		return Key{}, false
	}
	p.move(i, to)
	return p.nodes[i].key, true
}

func (p *arc) isIn(k Key, list uint8) bool {
	i := p.find(k)
	return i != none && p.nodes[i].where == list
}

// Used is the sum of the sizes of what is resident.
func (p *arc) Used() int64 { return p.q[t1].bytes + p.q[t2].bytes }
