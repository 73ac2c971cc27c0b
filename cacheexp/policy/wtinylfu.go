package policy

func init() {
	register("wtinylfu", func(capacity int64) Policy {
		window := max(1, capacity/100)
		return &wtinylfu{window: window, main: capacity - window, protected: (capacity - window) * 4 / 5, seen: newSketch()}
	})
}

// wtinylfu is W-TinyLFU (Einziger, Friedman, Manes: "TinyLFU: A Highly
// Efficient Cache Admission Policy", ACM TOS 2017): a window of 1 % takes all
// that is new, and the main cache, a segmented LRU, only what is asked for more
// often than what would have to go for it.
//
//	new ─▶ window (LRU, 1 %) ─ more frequent than? ─▶ probation (20 %) ⇄ protected (80 %)
//	                        └──── no: evicted            └─ yes: evicted
//
// The driver inserts every miss, so a new key always enters the window, and
// Evict decides between what the window has to give up and the main cache's
// oldest. What is rejected there is evicted, which is the same thing said
// later. The window holds at least one key, however large.
type wtinylfu struct {
	queues
	window, main, protected int64 // sizes at most; protected is part of main
	seen                    sketch
}

const (
	wWindow uint8 = iota
	wProbation
	wProtected
)

// Access counts the request, and moves a resident key to the young end: of the
// protected segment, if it was in the main cache.
func (p *wtinylfu) Access(r Request) bool {
	p.seen.add(r.Key.hash())
	i := p.find(r.Key)
	if i == none {
		return false
	}
	n := &p.nodes[i]
	if n.where == wWindow || p.sizes[i] > p.protected {
		p.move(i, n.where)
		return true
	}
	p.move(i, wProtected)
	for p.q[wProtected].bytes > p.protected {
		p.move(p.oldest(wProtected), wProbation)
	}
	return true
}

// Insert puts the key into the window. What the window has to give up goes to
// the main cache as long as that has room.
func (p *wtinylfu) Insert(r Request) {
	i := p.insert(r)
	for c := p.oldest(wWindow); c != i && p.q[wWindow].bytes > p.window && p.admit(c); c = p.oldest(wWindow) {
	}
	p.seen.ensure(p.taken)
}

// admit moves a key of the window to the main cache, if it fits.
func (p *wtinylfu) admit(c int32) bool {
	if p.q[wProbation].bytes+p.q[wProtected].bytes+p.sizes[c] > p.main {
		return false
	}
	p.move(c, wProbation)
	return true
}

// Evict holds the window's oldest against the main cache's when the new key
// would make the window too large, and drops the one that was asked for less.
func (p *wtinylfu) Evict(r Request) (Key, bool) {
	c := p.oldest(wWindow)
	for c != none && p.q[wWindow].bytes+r.Size > p.window && p.admit(c) {
		c = p.oldest(wWindow)
	}
	v := p.victim()
	switch {
	case c == none && v == none:
		return Key{}, false
	case v == none:
		return p.forget(c), true
	case c == none || p.q[wWindow].bytes+r.Size <= p.window:
		return p.forget(v), true
	case p.frequency(c) > p.frequency(v):
		return p.forget(v), true
	}
	return p.forget(c), true
}

// victim is the main cache's oldest, or none.
func (p *wtinylfu) victim() int32 {
	if i := p.oldest(wProbation); i != none {
		return i
	}
	return p.oldest(wProtected)
}

func (p *wtinylfu) frequency(i int32) int { return p.seen.estimate(p.nodes[i].key.hash()) }

// Used is the sum of the sizes of what is resident.
func (p *wtinylfu) Used() int64 {
	return p.q[wWindow].bytes + p.q[wProbation].bytes + p.q[wProtected].bytes
}
