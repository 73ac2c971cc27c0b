package policy

// Numbers counts distinct keys: each gets a number, from 0 in the order of
// first appearance. A key takes about 60 bytes. The zero value is empty.
type Numbers struct{ t table }

// Of returns the key's number, and whether the key is a new one.
func (n *Numbers) Of(k Key) (number int, isNew bool) {
	i := n.t.find(k)
	if i == none {
		return int(n.t.add(k, 0)) - 1, true
	}
	return int(i) - 1, false
}

// Len is how many keys there are.
func (n *Numbers) Len() int { return n.t.taken }
