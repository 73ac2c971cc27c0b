package policy

import "slices"

// What follows are the policies once more, as obvious as they can be: slices
// that are searched and copied, each rule as its paper says it. The real ones
// must give the same hits and the same victims.

// item is a key in a slow list.
type item struct {
	key   Key
	size  int64
	count int
}

// shelf is a list: the oldest first.
type shelf []item

func (s shelf) index(k Key) int { return slices.IndexFunc(s, func(i item) bool { return i.key == k }) }

func (s shelf) has(k Key) bool { return s.index(k) >= 0 }

func (s shelf) bytes() (n int64) {
	for _, i := range s {
		n += i.size
	}
	return n
}

// take cuts the key out.
func (s *shelf) take(k Key) (item, bool) {
	i := s.index(k)
	if i < 0 {
		return item{}, false
	}
	found := (*s)[i]
	*s = slices.Delete(*s, i, i+1)
	return found, true
}

func (s *shelf) push(i item) { *s = append(*s, i) }

// pop cuts the oldest out.
func (s *shelf) pop() item {
	i := (*s)[0]
	*s = slices.Delete(*s, 0, 1)
	return i
}

// renew makes the key the newest.
func (s *shelf) renew(k Key) bool {
	i, ok := s.take(k)
	if ok {
		s.push(i)
	}
	return ok
}

func (s *shelf) shrink(limit int64) {
	for len(*s) > 0 && s.bytes() > limit {
		s.pop()
	}
}

// slow are the slow policies by name.
var slow = map[string]func(capacity int64) Policy{
	"fifo":     func(int64) Policy { return &slowFIFO{} },
	"lru":      func(int64) Policy { return &slowLRU{} },
	"clock":    func(int64) Policy { return &slowClock{} },
	"sieve":    func(int64) Policy { return &slowSieve{hand: -1} },
	"s3fifo":   func(c int64) Policy { return &slowS3{capacity: c} },
	"2q":       func(c int64) Policy { return &slow2Q{capacity: c} },
	"arc":      func(c int64) Policy { return &slowARC{c: c} },
	"slru":     func(c int64) Policy { return &slowSLRU{capacity: c} },
	"lirs":     func(c int64) Policy { return newSlowLIRS(c) },
	"wtinylfu": func(c int64) Policy { return newSlowTinyLFU(c) },
}

type slowFIFO struct{ q shelf }

func (p *slowFIFO) Access(r Request) bool { return p.q.has(r.Key) }
func (p *slowFIFO) Insert(r Request)      { p.q.push(item{key: r.Key, size: r.Size}) }
func (p *slowFIFO) Remove(k Key)          { p.q.take(k) }
func (p *slowFIFO) Used() int64           { return p.q.bytes() }
func (p *slowFIFO) Evict(Request) (Key, bool) {
	if len(p.q) == 0 {
		return Key{}, false
	}
	return p.q.pop().key, true
}

type slowLRU struct{ slowFIFO }

func (p *slowLRU) Access(r Request) bool { return p.q.renew(r.Key) }

// slowClock keeps the queue in order; a second chance is a new insertion.
type slowClock struct{ slowFIFO }

func (p *slowClock) Access(r Request) bool {
	i := p.q.index(r.Key)
	if i >= 0 {
		p.q[i].count = 1
	}
	return i >= 0
}

func (p *slowClock) Evict(r Request) (Key, bool) {
	for len(p.q) > 0 && p.q[0].count == 1 {
		i := p.q.pop()
		i.count = 0
		p.q.push(i)
	}
	return p.slowFIFO.Evict(r)
}

// slowSieve has its hand on an index of the queue; −1: at the oldest.
type slowSieve struct {
	slowClock
	hand int
}

func (p *slowSieve) Evict(Request) (Key, bool) {
	if len(p.q) == 0 {
		return Key{}, false
	}
	at := max(p.hand, 0)
	for p.q[at].count == 1 {
		p.q[at].count = 0
		at = (at + 1) % len(p.q)
	}
	k := p.q[at].key
	p.cut(at)
	p.hand = at // the next newer one has slid there
	if at == len(p.q) {
		p.hand = -1
	}
	return k, true
}

func (p *slowSieve) Remove(k Key) {
	if i := p.q.index(k); i >= 0 {
		p.cut(i)
		if i < p.hand {
			p.hand--
		} else if p.hand == len(p.q) {
			p.hand = -1
		}
	}
}

func (p *slowSieve) cut(i int) { p.q = slices.Delete(p.q, i, i+1) }

type slowS3 struct {
	s, m, g  shelf
	capacity int64
}

func (p *slowS3) Access(r Request) bool {
	for _, q := range []shelf{p.s, p.m} {
		if i := q.index(r.Key); i >= 0 {
			q[i].count = min(q[i].count+1, 3)
			return true
		}
	}
	return false
}

func (p *slowS3) Insert(r Request) {
	to := &p.s
	if _, ghost := p.g.take(r.Key); ghost {
		to = &p.m
	}
	to.push(item{key: r.Key, size: r.Size})
	p.g.shrink(p.capacity * 9 / 10)
}

func (p *slowS3) Evict(Request) (Key, bool) {
	if len(p.m) == 0 || 10*p.s.bytes() >= p.capacity {
		for len(p.s) > 0 {
			t := p.s.pop()
			if t.count < 2 {
				p.g.push(t)
				return t.key, true
			}
			t.count = 0
			p.m.push(t)
			if 10*p.m.bytes() > 10*p.capacity-p.capacity/10*10 {
				break
			}
		}
	}
	for len(p.m) > 0 {
		t := p.m.pop()
		if t.count == 0 {
			return t.key, true
		}
		t.count--
		p.m.push(t)
	}
	return Key{}, false
}

func (p *slowS3) Remove(k Key) { p.s.take(k); p.m.take(k); p.g.take(k) }
func (p *slowS3) Used() int64  { return p.s.bytes() + p.m.bytes() }

type slow2Q struct {
	in, out, am shelf
	capacity    int64
}

func (p *slow2Q) Access(r Request) bool { return p.am.renew(r.Key) || p.in.has(r.Key) }

func (p *slow2Q) Insert(r Request) {
	to := &p.in
	if _, ghost := p.out.take(r.Key); ghost {
		to = &p.am
	}
	to.push(item{key: r.Key, size: r.Size})
	p.out.shrink(p.capacity / 2)
}

func (p *slow2Q) Evict(Request) (Key, bool) {
	switch {
	case len(p.in)+len(p.am) == 0:
		return Key{}, false
	case p.in.bytes() > p.capacity/4 || len(p.am) == 0:
		y := p.in.pop()
		p.out.push(y)
		return y.key, true
	}
	return p.am.pop().key, true
}

func (p *slow2Q) Remove(k Key) { p.in.take(k); p.out.take(k); p.am.take(k) }
func (p *slow2Q) Used() int64  { return p.in.bytes() + p.am.bytes() }

type slowSLRU struct {
	seg      [4]shelf
	capacity int64
}

func (p *slowSLRU) Access(r Request) bool {
	for s := range p.seg {
		i := p.seg[s].index(r.Key)
		if i < 0 {
			continue
		}
		if p.seg[s][i].size > p.capacity/4 {
			return p.seg[s].renew(r.Key)
		}
		t, _ := p.seg[s].take(r.Key)
		p.seg[min(s+1, 3)].push(t)
		for down := 3; down > 0; down-- {
			for p.seg[down].bytes() > p.capacity/4 {
				p.seg[down-1].push(p.seg[down].pop())
			}
		}
		return true
	}
	return false
}

func (p *slowSLRU) Insert(r Request) { p.seg[0].push(item{key: r.Key, size: r.Size}) }

func (p *slowSLRU) Evict(Request) (Key, bool) {
	for s := range p.seg {
		if len(p.seg[s]) > 0 {
			return p.seg[s].pop().key, true
		}
	}
	return Key{}, false
}

func (p *slowSLRU) Remove(k Key) {
	for s := range p.seg {
		p.seg[s].take(k)
	}
}

func (p *slowSLRU) Used() (n int64) {
	for s := range p.seg {
		n += p.seg[s].bytes()
	}
	return n
}
