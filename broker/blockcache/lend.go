package blockcache

import "fmt"

// Lend turns the caller's pin into a loan, which may last as long as a consumer
// takes to read from its socket; it ends with Return in place of Release.
//
//	Get ─ pin ─┬─ Release                    as long as a copy takes
//	           └─ Lend ─ writev ─ Return     as long as a consumer takes
//
// Blocks that are lent cannot be freed, so there is a budget: when LendSize is
// out on loan already Lend returns false and changes nothing, and the caller
// copies what it needs. What it means to be slow the lender must say: whoever
// has a loan for too long copies the rest and returns it (the connection does).
func (b *Block) Lend() bool {
	c := b.cache
	if b.uncached {
		return false // one at a time is read; nobody should wait for a socket there
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.lent == 0 {
		if c.lent+b.slotSize() > c.cfg.LendSize {
			c.n.lendRefused.Add(1)
			return false
		}
		c.lent += b.slotSize()
	}
	b.lent++
	return true
}

// Return ends a loan and its pin.
func (b *Block) Return() {
	c := b.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.lent <= 0 {
		panic(fmt.Sprintf("blockcache: return of a block that is not lent (object %d, position %d)", b.key.Object, b.key.Position))
	}
	if b.lent--; b.lent == 0 {
		c.lent -= b.slotSize()
	}
	c.unpin(b)
}
