package policy

// none is the index that refers to no node.
const none int32 = -1

// node is one key in a table, linked into at most one list.
type node struct {
	key        Key
	size       int64
	prev, next int32
}

// table finds nodes by key and keeps them in one slice, linked by index: no
// allocation per insert, nothing for the collector to follow, and a third of
// the memory of a list of pointers.
type table struct {
	index map[Key]int32
	nodes []node
	free  int32 // head of the list of unused nodes, linked by next
}

func newTable() table {
	return table{index: make(map[Key]int32), free: none}
}

// find returns the node of k, or none.
func (t *table) find(k Key) int32 {
	if i, ok := t.index[k]; ok {
		return i
	}
	return none
}

// add makes a node for k, which must not have one.
func (t *table) add(k Key, size int64) int32 {
	i := t.free
	if i == none {
		i = int32(len(t.nodes))
		t.nodes = append(t.nodes, node{})
	} else {
		t.free = t.nodes[i].next
	}
	t.nodes[i] = node{key: k, size: size, prev: none, next: none}
	t.index[k] = i
	return i
}

// drop frees a node that is in no list any more and returns its key.
func (t *table) drop(i int32) Key {
	k := t.nodes[i].key
	delete(t.index, k)
	t.nodes[i] = node{next: t.free, prev: none}
	t.free = i
	return k
}

// list is a doubly linked list of a table's nodes: newest at the head, oldest
// at the tail.
type list struct {
	head, tail int32
	bytes      int64 // sum of the nodes' sizes
}

func newList() list { return list{head: none, tail: none} }

func (l *list) pushFront(t *table, i int32) {
	n := &t.nodes[i]
	n.prev, n.next = none, l.head
	if l.head != none {
		t.nodes[l.head].prev = i
	} else {
		l.tail = i
	}
	l.head = i
	l.bytes += n.size
}

func (l *list) unlink(t *table, i int32) {
	n := &t.nodes[i]
	if n.prev != none {
		t.nodes[n.prev].next = n.next
	} else {
		l.head = n.next
	}
	if n.next != none {
		t.nodes[n.next].prev = n.prev
	} else {
		l.tail = n.prev
	}
	l.bytes -= n.size
}
