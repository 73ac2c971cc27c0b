package policy

func init() {
	register("lru", func(int64) Policy { return &lru{} })
}

// lru evicts what was not asked for longest: a FIFO queue in which a hit
// moves the key back to the young end.
type lru struct{ fifo }

// Access moves a resident key to the young end.
func (p *lru) Access(r Request) bool {
	i := p.find(r.Key)
	if i == none {
		return false
	}
	p.move(i, 0)
	return true
}
