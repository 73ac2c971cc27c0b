package policy

func init() {
	register("sieve", func(int64) Policy { return &sieve{} })
}

// sieve is SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi: "SIEVE is Simpler than
// LRU", NSDI 2024): CLOCK whose hand leaves the survivors where they are, so
// that new keys, which come in at the head, are sifted first.
//
//	new ▶ head … … ◀ hand … … tail
type sieve struct {
	fifo
	hand int32 // where the search goes on; none: at the tail
}

// Access marks a resident key as visited.
func (p *sieve) Access(r Request) bool {
	i := p.find(r.Key)
	if i == none {
		return false
	}
	p.nodes[i].count = 1
	return true
}

// Evict moves the hand towards the head, past what was visited, and takes the
// first key that was not.
func (p *sieve) Evict(Request) (Key, bool) {
	i := p.hand
	if i == none {
		i = p.oldest(0)
	}
	if i == none {
		return Key{}, false
	}
	for p.nodes[i].count != 0 {
		p.nodes[i].count = 0
		i = p.nodes[i].prev // of the head that is the tail
	}
	p.hand = i
	return p.leave(i), true
}

// Remove forgets the key. The hand goes on from the place where it was.
func (p *sieve) Remove(k Key) {
	if i := p.find(k); i != none {
		p.leave(i)
	}
}

// leave forgets a node, which may be under the hand. Behind the head the hand
// starts anew at the tail, as it is when the next victim is sought.
func (p *sieve) leave(i int32) Key {
	if p.hand == i {
		p.hand = p.nodes[i].prev
		if p.q[0].head == i {
			p.hand = none
		}
	}
	return p.forget(i)
}
