package policy

// list is a ring of a table's nodes: head is the newest, and the one before it
// the oldest.
//
//	      ┌────────────── next ───────────────┐
//	head ─┴▶ newest ─ next ▶ … ─ next ▶ oldest ┘
//
// In a ring the oldest becomes the newest by a step of the head, which is all
// that CLOCK does, and SIEVE's hand comes round by itself.
type list struct {
	head  int32
	bytes int64 // sum of the nodes' sizes
}

// tail is the oldest, or none.
func (l *list) tail(t *table) int32 {
	if l.head == none {
		return none
	}
	return t.nodes[l.head].prev
}

// pushFront makes a node that is in no list the newest.
func (l *list) pushFront(t *table, i int32) {
	l.link(t, i)
	l.bytes += t.sizes[i]
}

// unlink takes a node out.
func (l *list) unlink(t *table, i int32) {
	l.cut(t, i)
	l.bytes -= t.sizes[i]
}

// renew makes a node of the list its newest.
func (l *list) renew(t *table, i int32) {
	if l.head != i {
		l.cut(t, i)
		l.link(t, i)
	}
}

func (l *list) link(t *table, i int32) {
	n := &t.nodes[i]
	if l.head == none {
		n.prev, n.next = i, i
	} else {
		head := &t.nodes[l.head]
		n.prev, n.next = head.prev, l.head
		t.nodes[head.prev].next = i
		head.prev = i
	}
	l.head = i
}

func (l *list) cut(t *table, i int32) {
	n := &t.nodes[i]
	if n.next == i {
		l.head = none
		return
	}
	t.nodes[n.prev].next = n.next
	t.nodes[n.next].prev = n.prev
	if l.head == i {
		l.head = n.next
	}
}

// rotate makes the oldest the newest.
func (l *list) rotate(t *table) { l.head = l.tail(t) }

// queues are a table whose nodes lie in one of several lists; node.where says
// in which. What is new goes into the first. A policy is made of them and of the
// rules of moving.
type queues struct {
	table
	q [4]list
}

// insert makes a node for the request at the young end of the first list.
func (s *queues) insert(r Request) int32 {
	i := s.add(r.Key, r.Size)
	s.q[0].pushFront(&s.table, i)
	return i
}

// move takes a node to the young end of a list, its own or another.
func (s *queues) move(i int32, to uint8) {
	n := &s.nodes[i]
	if n.where == to {
		s.q[to].renew(&s.table, i)
		return
	}
	s.q[n.where].unlink(&s.table, i)
	n.where = to
	s.q[to].pushFront(&s.table, i)
}

// oldest of a list, or none.
func (s *queues) oldest(of uint8) int32 { return s.q[of].tail(&s.table) }

// forget takes a node out of its list and of the table.
func (s *queues) forget(i int32) Key {
	s.q[s.nodes[i].where].unlink(&s.table, i)
	return s.drop(i)
}

// Remove forgets the key, resident or remembered.
func (s *queues) Remove(k Key) {
	if i := s.find(k); i != none {
		s.forget(i)
	}
}

// trim forgets the oldest of a list of ghosts until it is within its bound.
func (s *queues) trim(ghosts uint8, limit int64) {
	for s.q[ghosts].head != none && s.q[ghosts].bytes > limit {
		s.forget(s.oldest(ghosts))
	}
}

// revive gives a ghost a place among the living. Its size is the request's: a
// trace may have seen the block grow.
func (s *queues) revive(i int32, r Request, to uint8) {
	n := &s.nodes[i]
	s.q[n.where].unlink(&s.table, i)
	n.where, n.count, s.sizes[i] = to, 0, r.Size
	s.q[to].pushFront(&s.table, i)
}

// entries is how many keys are held, ghosts among them.
func (s *queues) entries() int { return s.taken }
