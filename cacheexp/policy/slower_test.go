package policy

import "slices"

// slowARC does as the paper's Figure 4, where a ghost is forgotten before
// another is made. The paper knows blocks of one size, and nothing leaves but
// for a request; else ghosts are forgotten when the request is in.
type slowARC struct {
	t1, t2, b1, b2 shelf
	c              int64
	p              float64
	paper          bool
}

func (a *slowARC) Access(r Request) bool {
	b1, b2 := float64(a.b1.bytes()), float64(a.b2.bytes())
	switch k := r.Key; {
	case a.b1.has(k):
		a.p = min(float64(a.c), a.p+max(b2/b1, 1)*float64(r.Size))
	case a.b2.has(k):
		a.p = max(0, a.p-max(b1/b2, 1)*float64(r.Size))
	default:
		if i, ok := a.t1.take(k); ok {
			a.t2.push(i)
			return true
		}
		return a.t2.renew(k)
	}
	return false
}

func (a *slowARC) Insert(r Request) {
	_, was1 := a.b1.take(r.Key)
	_, was2 := a.b2.take(r.Key)
	if was1 || was2 {
		a.t2.push(item{key: r.Key, size: r.Size})
	} else {
		a.t1.push(item{key: r.Key, size: r.Size})
	}
	if a.paper { // Evict has seen to it
		return
	}
	a.b1.shrink(a.c - a.t1.bytes())
	a.b2.shrink(2*a.c - a.t1.bytes() - a.b1.bytes() - a.t2.bytes())
}

func (a *slowARC) Evict(r Request) (Key, bool) {
	if len(a.t1)+len(a.t2) == 0 {
		return Key{}, false
	}
	if a.paper && !a.b1.has(r.Key) && !a.b2.has(r.Key) {
		l1 := a.t1.bytes() + a.b1.bytes()
		switch {
		case l1 == a.c && a.t1.bytes() < a.c:
			a.b1.pop()
		case l1 == a.c:
			return a.t1.pop().key, true
		case l1+a.t2.bytes()+a.b2.bytes() == 2*a.c:
			a.b2.pop()
		}
	}
	size := float64(a.t1.bytes())
	if len(a.t2) == 0 || len(a.t1) > 0 && (a.b2.has(r.Key) && size == a.p || size > a.p) {
		i := a.t1.pop()
		a.b1.push(i)
		return i.key, true
	}
	i := a.t2.pop()
	a.b2.push(i)
	return i.key, true
}

func (a *slowARC) Remove(k Key) { a.t1.take(k); a.t2.take(k); a.b1.take(k); a.b2.take(k) }
func (a *slowARC) Used() int64  { return a.t1.bytes() + a.t2.bytes() }

// slowLIRS: stack and queue hold keys; a key's size and state lie beside.
type slowLIRS struct {
	stack, queue, ghosts []Key // oldest first
	size                 map[Key]int64
	lir                  map[Key]bool
	capacity, cold       int64
}

func newSlowLIRS(c int64) *slowLIRS {
	return &slowLIRS{size: map[Key]int64{}, lir: map[Key]bool{}, capacity: c, cold: max(1, c/100)}
}

func without(ks []Key, k Key) []Key {
	return slices.DeleteFunc(ks, func(o Key) bool { return o == k })
}

func (p *slowLIRS) sum(ks []Key) (n int64) {
	for _, k := range ks {
		n += p.size[k]
	}
	return n
}

func (p *slowLIRS) lirBytes() (n int64) {
	for k := range p.lir {
		n += p.size[k]
	}
	return n
}

func (p *slowLIRS) Access(r Request) bool {
	k := r.Key
	switch inStack, inQueue := slices.Contains(p.stack, k), slices.Contains(p.queue, k); {
	case p.lir[k]:
		p.stack = append(without(p.stack, k), k)
	case inQueue && inStack:
		p.queue = without(p.queue, k)
		p.promote(k)
	case inQueue:
		p.queue = append(without(p.queue, k), k)
		p.stack = append(p.stack, k)
	default:
		return false
	}
	p.prune()
	return true
}

func (p *slowLIRS) promote(k Key) {
	p.stack = append(without(p.stack, k), k)
	p.lir[k] = true
	p.prune()
	for p.lirBytes() > p.capacity-p.cold {
		bottom := p.stack[0]
		delete(p.lir, bottom)
		p.queue = append(p.queue, bottom)
		p.prune()
	}
}

func (p *slowLIRS) prune() {
	for len(p.stack) > 0 && !p.lir[p.stack[0]] {
		p.ghosts = without(p.ghosts, p.stack[0])
		p.stack = p.stack[1:]
	}
}

func (p *slowLIRS) Insert(r Request) {
	k := r.Key
	ghost := slices.Contains(p.ghosts, k)
	p.size[k] = r.Size
	switch {
	case ghost:
		p.ghosts = without(p.ghosts, k)
		p.promote(k)
	case p.lirBytes()+r.Size <= p.capacity-p.cold:
		p.lir[k] = true
		p.stack = append(p.stack, k)
	default:
		p.queue = append(p.queue, k)
		p.stack = append(p.stack, k)
	}
	p.prune()
	for p.sum(p.ghosts) > 2*p.capacity {
		p.stack = without(p.stack, p.ghosts[0])
		p.ghosts = p.ghosts[1:]
	}
}

func (p *slowLIRS) Evict(Request) (Key, bool) {
	if len(p.queue) == 0 {
		if len(p.stack) == 0 {
			return Key{}, false
		}
		bottom := p.stack[0]
		delete(p.lir, bottom)
		p.prune()
		return bottom, true
	}
	k := p.queue[0]
	p.queue = p.queue[1:]
	if slices.Contains(p.stack, k) {
		p.ghosts = append(p.ghosts, k)
	}
	return k, true
}

func (p *slowLIRS) Remove(k Key) {
	delete(p.lir, k)
	p.stack, p.queue, p.ghosts = without(p.stack, k), without(p.queue, k), without(p.ghosts, k)
	p.prune()
}

func (p *slowLIRS) Used() int64 { return p.lirBytes() + p.sum(p.queue) }

// slowTinyLFU shares the sketch with the real one, which has a test of its own.
type slowTinyLFU struct {
	window, probation, protected shelf
	w, m, p                      int64
	seen                         sketch
}

func newSlowTinyLFU(c int64) *slowTinyLFU {
	w := max(1, c/100)
	return &slowTinyLFU{w: w, m: c - w, p: (c - w) * 4 / 5, seen: newSketch()}
}

func (p *slowTinyLFU) Access(r Request) bool {
	p.seen.add(r.Key.hash())
	if p.window.renew(r.Key) {
		return true
	}
	for _, s := range []*shelf{&p.probation, &p.protected} {
		if i := s.index(r.Key); i >= 0 {
			if (*s)[i].size > p.p {
				return s.renew(r.Key)
			}
			t, _ := s.take(r.Key)
			p.protected.push(t)
			for p.protected.bytes() > p.p {
				p.probation.push(p.protected.pop())
			}
			return true
		}
	}
	return false
}

// settle moves what the window has too much of, should extra come, while the
// main cache has room.
func (p *slowTinyLFU) settle(extra int64, keep int) {
	for len(p.window) > keep && p.window.bytes()+extra > p.w &&
		p.probation.bytes()+p.protected.bytes()+p.window[0].size <= p.m {
		p.probation.push(p.window.pop())
	}
}

func (p *slowTinyLFU) Insert(r Request) {
	p.window.push(item{key: r.Key, size: r.Size})
	p.settle(0, 1)
	p.seen.ensure(len(p.window) + len(p.probation) + len(p.protected))
}

func (p *slowTinyLFU) Evict(r Request) (Key, bool) {
	p.settle(r.Size, 0)
	main := &p.probation
	if len(*main) == 0 {
		main = &p.protected
	}
	from := main
	switch overflows := len(p.window) > 0 && p.window.bytes()+r.Size > p.w; {
	case len(*main) == 0:
		from = &p.window
	case overflows && p.seen.estimate(p.window[0].key.hash()) <= p.seen.estimate((*main)[0].key.hash()):
		from = &p.window
	}
	if len(*from) == 0 {
		return Key{}, false
	}
	return from.pop().key, true
}

func (p *slowTinyLFU) Remove(k Key) { p.window.take(k); p.probation.take(k); p.protected.take(k) }
func (p *slowTinyLFU) Used() int64 {
	return p.window.bytes() + p.probation.bytes() + p.protected.bytes()
}
