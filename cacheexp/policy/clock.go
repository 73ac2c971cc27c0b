package policy

func init() {
	register("clock", func(int64) Policy { return &clock{} })
}

// clock is Corbató's CLOCK with one bit ("A Paging Experiment with the Multics
// System", 1968): a FIFO queue in which a key that was asked for since the hand
// last passed gets a second round. A hit writes one bit and moves nothing.
type clock struct{ fifo }

// Access sets the bit of a resident key.
func (p *clock) Access(r Request) bool {
	i := p.find(r.Key)
	if i == none {
		return false
	}
	p.nodes[i].count = 1
	return true
}

// Evict takes the first key under the hand whose bit is not set, and clears
// the bits it passes.
func (p *clock) Evict(r Request) (Key, bool) {
	for i := p.oldest(0); i != none && p.nodes[i].count != 0; i = p.oldest(0) {
		p.nodes[i].count = 0
		p.q[0].rotate(&p.table)
	}
	return p.fifo.Evict(r)
}
