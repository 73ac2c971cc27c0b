package policy

func init() {
	register("fifo", func(int64) Policy { return newFIFO() })
}

// fifo evicts in the order of insertion; hits change nothing. For a log that
// is read forwards it does what LRU does, for less work.
type fifo struct {
	t table
	q list
}

func newFIFO() *fifo { return &fifo{t: newTable(), q: newList()} }

// Access reports whether the key is resident; it leaves the order alone.
func (p *fifo) Access(r Request) bool { return p.t.find(r.Key) != none }

// Insert puts the key at the young end.
func (p *fifo) Insert(r Request) { p.q.pushFront(&p.t, p.t.add(r.Key, r.Size)) }

// Evict takes the key that was inserted first.
func (p *fifo) Evict(Request) (Key, bool) {
	i := p.q.tail
	if i == none {
		return Key{}, false
	}
	p.q.unlink(&p.t, i)
	return p.t.drop(i), true
}

// Remove forgets the key.
func (p *fifo) Remove(k Key) {
	if i := p.t.find(k); i != none {
		p.q.unlink(&p.t, i)
		p.t.drop(i)
	}
}

// Used is the sum of the sizes of what is resident.
func (p *fifo) Used() int64 { return p.q.bytes }
