package policy

import "math/bits"

// none is the index that refers to no node: nodes[0] is never used, so that
// zeroed memory is an empty table and an empty list.
const none int32 = 0

// node is one key in a table, linked into one list. It has 32 bytes, so that
// none lies across two cache lines; sizes lie apart, for a hit seldom needs one.
type node struct {
	key        Key
	prev, next int32
	hash       uint32
	where      uint8 // the list that it is in, for policies with several
	count      uint8 // accesses, a reference bit or a state: the policy's own
}

// table finds nodes by key. Nodes lie in one slice and refer to each other by
// index: no allocation per insert, nothing for the collector to follow.
//
//	hash ─▶ slots: ┌──────┬──────┐   nodes: ┌─────┬──────┬──────┬───┐   sizes: ┌──────┐
//	  linear       │ hash │ node │ ───────▶ │ key │ prev │ next │ … │          │ size │
//	  probing      └──────┴──────┘          └─────┴──────┴──────┴───┘          └──────┘
//
// A slot has 8 bytes, so a probe reads one cache line, and its 32 bits of hash
// tell almost every other key apart without a look at the node. What is dropped
// leaves no grave: later slots of its run are moved back. A Go map took twice
// the time of the whole request (see BenchmarkRequest).
type table struct {
	slots []slot // a power of two; at most three quarters are taken
	nodes []node
	sizes []int64 // of the nodes
	free  int32   // head of the list of unused nodes, linked by next
	taken int     // slots that are taken
}

type slot struct {
	hash uint32
	node int32
}

// firstSlots is the length of a table that holds its first key.
const firstSlots = 16

// hash mixes both halves of a key by one wide multiplication (wyhash's mix).
func (k Key) hash() uint64 {
	hi, lo := bits.Mul64(uint64(k.Object)^0x9e3779b97f4a7c15, uint64(k.Position)^0xd6e8feb86659fd93)
	return hi ^ lo
}

// find returns the node of k, or none.
func (t *table) find(k Key) int32 {
	if len(t.slots) == 0 {
		return none
	}
	h := uint32(k.hash())
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s.node == none {
			return none
		}
		if s.hash == h && t.nodes[s.node].key == k {
			return s.node
		}
	}
}

// add makes a node for k, which must not have one.
func (t *table) add(k Key, size int64) int32 {
	if t.taken >= len(t.slots)/4*3 {
		t.grow()
	}
	i := t.free
	if i == none {
		i = int32(len(t.nodes))
		t.nodes = append(t.nodes, node{})
		t.sizes = append(t.sizes, 0)
	} else {
		t.free = t.nodes[i].next
	}
	h := uint32(k.hash())
	t.nodes[i] = node{key: k, hash: h}
	t.sizes[i] = size
	t.place(slot{h, i})
	t.taken++
	return i
}

// place puts a slot into the first place of its run that is empty.
func (t *table) place(s slot) {
	mask := uint32(len(t.slots) - 1)
	i := s.hash & mask
	for t.slots[i].node != none {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, max(firstSlots, 2*len(old)))
	if len(t.nodes) == 0 {
		t.nodes, t.sizes = make([]node, 1, firstSlots), make([]int64, 1, firstSlots)
	}
	for _, s := range old {
		if s.node != none {
			t.place(s)
		}
	}
}

// drop frees a node that is in no list any more and returns its key.
func (t *table) drop(i int32) Key {
	n := &t.nodes[i]
	k := n.key
	t.vacate(n.hash, i)
	*n = node{next: t.free}
	t.free = i
	t.taken--
	return k
}

// vacate empties the slot of a node and closes the gap: a later slot of the
// run moves into it unless it would come to stand before its home.
func (t *table) vacate(h uint32, n int32) {
	mask := uint32(len(t.slots) - 1)
	gap := h & mask
	for t.slots[gap].node != n {
		gap = (gap + 1) & mask
	}
	for i := (gap + 1) & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s.node == none {
			break
		}
		if (i-s.hash)&mask >= (i-gap)&mask {
			t.slots[gap] = s
			gap = i
		}
	}
	t.slots[gap] = slot{}
}
