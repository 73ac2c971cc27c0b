package policy

// belady evicts what will not be asked for for the longest time (Belady: "A
// Study of Replacement Algorithms for a Virtual-Storage Computer", IBM Systems
// Journal 1966). With blocks of one size no policy that inserts every miss has
// fewer misses. It is not registered, for it needs Request.Next, which only a
// simulator knows.
//
//	heap: the key with the latest next request on top
type belady struct {
	table
	heap []future
	used int64
}

// future is a resident key in the heap; its node's prev is its place there.
type future struct {
	next int64
	node int32
}

// NewBelady makes the policy for a simulator.
func NewBelady() Policy { return &belady{} }

// Access notes when a resident key is asked for next.
func (p *belady) Access(r Request) bool {
	i := p.find(r.Key)
	if i == none {
		return false
	}
	p.fix(int(p.nodes[i].prev), future{r.Next, i})
	return true
}

// Insert puts the key into the heap.
func (p *belady) Insert(r Request) {
	i := p.add(r.Key, r.Size)
	p.used += r.Size
	p.heap = append(p.heap, future{r.Next, i})
	p.up(len(p.heap)-1, future{r.Next, i})
}

// Evict takes the key that is asked for last.
func (p *belady) Evict(Request) (Key, bool) {
	if len(p.heap) == 0 {
		return Key{}, false
	}
	return p.leave(0), true
}

// Remove forgets the key.
func (p *belady) Remove(k Key) {
	if i := p.find(k); i != none {
		p.leave(int(p.nodes[i].prev))
	}
}

// Used is the sum of the sizes of what is resident.
func (p *belady) Used() int64 { return p.used }

// entries is how many keys are held.
func (p *belady) entries() int { return p.taken }

func (p *belady) leave(at int) Key {
	i := p.heap[at].node
	last := p.heap[len(p.heap)-1]
	p.heap = p.heap[:len(p.heap)-1]
	if last.node != i {
		p.fix(at, last)
	}
	p.used -= p.sizes[i]
	return p.drop(i)
}

// fix puts f into the place that is free at, or where it belongs instead.
func (p *belady) fix(at int, f future) {
	if at > 0 && p.heap[(at-1)/2].next < f.next {
		p.up(at, f)
		return
	}
	for {
		child := 2*at + 1
		if child >= len(p.heap) {
			break
		}
		if child+1 < len(p.heap) && p.heap[child+1].next > p.heap[child].next {
			child++
		}
		if p.heap[child].next <= f.next {
			break
		}
		p.set(at, p.heap[child])
		at = child
	}
	p.set(at, f)
}

func (p *belady) up(at int, f future) {
	for at > 0 && p.heap[(at-1)/2].next < f.next {
		p.set(at, p.heap[(at-1)/2])
		at = (at - 1) / 2
	}
	p.set(at, f)
}

func (p *belady) set(at int, f future) {
	p.heap[at] = f
	p.nodes[f.node].prev = int32(at)
}
