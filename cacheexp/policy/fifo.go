package policy

func init() {
	register("fifo", func(int64) Policy { return &fifo{} })
}

// fifo evicts in the order of insertion; hits change nothing. For a log that
// is read forwards it does what LRU does, for less work.
type fifo struct{ queues }

// Access reports whether the key is resident; it leaves the order alone.
func (p *fifo) Access(r Request) bool { return p.find(r.Key) != none }

// Insert puts the key at the young end.
func (p *fifo) Insert(r Request) { p.insert(r) }

// Evict takes the key that was inserted first.
func (p *fifo) Evict(Request) (Key, bool) {
	i := p.oldest(0)
	if i == none {
		return Key{}, false
	}
	return p.forget(i), true
}

// Used is the sum of the sizes of what is resident.
func (p *fifo) Used() int64 { return p.q[0].bytes }
