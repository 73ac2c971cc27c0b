package policy

func init() {
	register("lirs", func(capacity int64) Policy {
		return &lirs{capacity: capacity, cold: max(1, capacity/100)}
	})
}

// lirs is LIRS (Jiang, Zhang: "LIRS: An Efficient Low Inter-reference Recency
// Set Replacement Policy", SIGMETRICS 2002). Keys whose last two requests lie
// close together (LIR) have 99 % of the cache; the others (HIR) have 1 % and
// are evicted in the order of their last request.
//
//	stack:  newest [lir] [hir] [ghost] [lir] [ghost] … [lir] oldest, always a LIR
//	queue:  newest [hir] … [hir] oldest ─▶ evicted; a ghost if still in the stack
//	ghosts: newest … oldest ─▶ forgotten, beyond twice the capacity
//
// A HIR that is asked for while it is in the stack has a shorter distance than
// the oldest LIR, so the two change places. The paper does not bound the ghosts;
// here the one that was evicted first goes, as in Caffeine's simulator.
//
// A key lies in the stack and in one of the other two lists at once, so there
// are two tables. The count of a node of the stack is its state.
type lirs struct {
	capacity int64
	cold     int64  // the HIR's share
	stack    queues // one list
	rest     queues // queue and ghosts
	lir      int64  // size of all LIR
}

const (
	lirsHIR uint8 = iota // resident or a ghost: rest knows
	lirsLIR
)

const (
	lirsQueue uint8 = iota
	lirsGhosts
)

// Access brings a resident key to the top of the stack, and makes it LIR if it
// was there already.
func (p *lirs) Access(r Request) bool {
	i := p.stack.find(r.Key)
	if i != none && p.stack.nodes[i].count == lirsLIR {
		p.stack.move(i, 0)
		p.prune()
		return true
	}
	j := p.rest.find(r.Key)
	if j == none || p.rest.nodes[j].where == lirsGhosts {
		return false
	}
	if i == none {
		p.stack.insert(Request{Key: r.Key, Size: p.rest.sizes[j]})
		p.rest.move(j, lirsQueue)
		p.prune()
		return true
	}
	p.rest.forget(j)
	p.promote(i)
	return true
}

// promote makes a HIR of the stack a LIR and the oldest LIRs HIRs instead.
func (p *lirs) promote(i int32) {
	n := &p.stack.nodes[i]
	n.count = lirsLIR
	p.lir += p.stack.sizes[i]
	p.stack.move(i, 0)
	p.prune() // what was promoted may have been all that was below
	for p.lir > p.capacity-p.cold {
		p.demote()
	}
}

// demote makes the oldest LIR the newest of the queue.
func (p *lirs) demote() {
	i := p.stack.oldest(0)
	r := Request{Key: p.stack.nodes[i].key, Size: p.stack.sizes[i]}
	p.lir -= r.Size
	p.rest.insert(r)
	p.stack.forget(i)
	p.prune()
}

// prune forgets what lies below the oldest LIR: asked for again, it would not
// have the shorter distance.
func (p *lirs) prune() {
	for i := p.stack.oldest(0); i != none && p.stack.nodes[i].count == lirsHIR; i = p.stack.oldest(0) {
		if j := p.rest.find(p.stack.forget(i)); p.rest.nodes[j].where == lirsGhosts {
			p.rest.forget(j)
		}
	}
}

// Insert makes a ghost LIR, and any other key HIR unless the LIRs have room
// still.
func (p *lirs) Insert(r Request) {
	i := p.stack.find(r.Key)
	if i != none { // a ghost
		p.rest.Remove(r.Key)
		p.stack.revive(i, r, 0)
		p.promote(i)
	} else {
		i = p.stack.insert(r)
		if p.lir+r.Size <= p.capacity-p.cold {
			p.stack.nodes[i].count = lirsLIR
			p.lir += r.Size
		} else {
			p.rest.insert(r)
			p.prune()
		}
	}
	for p.rest.q[lirsGhosts].bytes > 2*p.capacity {
		p.stack.Remove(p.rest.forget(p.rest.oldest(lirsGhosts)))
	}
}

// Evict takes the oldest of the queue. Only when blocks were removed, or are
// large, is there none; then it is the oldest LIR's turn.
func (p *lirs) Evict(Request) (Key, bool) {
	if p.rest.q[lirsQueue].head == none {
		if p.stack.q[0].head == none {
			return Key{}, false
		}
		p.demote()
	}
	j := p.rest.oldest(lirsQueue)
	k := p.rest.nodes[j].key
	if p.stack.find(k) == none {
		return p.rest.forget(j), true
	}
	p.rest.move(j, lirsGhosts)
	return k, true
}

// Remove forgets the key.
func (p *lirs) Remove(k Key) {
	if i := p.stack.find(k); i != none {
		if p.stack.nodes[i].count == lirsLIR {
			p.lir -= p.stack.sizes[i]
		}
		p.stack.forget(i)
	}
	p.rest.Remove(k)
	p.prune()
}

// Used is the sum of the sizes of what is resident.
func (p *lirs) Used() int64 { return p.lir + p.rest.q[lirsQueue].bytes }

// entries is how many keys are held, ghosts among them.
func (p *lirs) entries() int { return max(p.stack.taken, p.rest.taken) }
