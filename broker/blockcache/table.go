package blockcache

import (
	"fmt"
	"sort"

	"github.com/tidelog/tide/broker/object"
)

// table says where the batches of a block begin, so that a fetch need not walk
// the block from its start, and which of them are good. It is made once, when
// the block is loaded, on the goroutine that loaded it.
//
// Not every batch has a mark: one for each markGrain bytes keeps the table at a
// fifth of a percent of the block, however small the batches are.
type table struct {
	marks []mark
	bad   error // what Verify said of the first batch that is bad; nil: all are good
	badAt int   // where that one begins
}

// mark says that a batch of this base offset begins at this position.
type mark struct {
	delta int32 // base offset − the entry's start offset
	at    int32 // bytes from the block's start
}

const markGrain = 4 << 10

// newTable holds a block against its index entry, and each batch against
// verify, if there is one. The error wraps object.ErrCorrupt.
func newTable(id int64, e object.IndexEntry, block []byte, verify func(object.RecordBatch) error) (table, error) {
	t := table{marks: make([]mark, 0, min(int(e.Size)/markGrain+1, max(int(e.BatchCount), 0)))}
	end := 0
	err := object.ForEachBatch(id, e, block, func(_ []byte, b object.RecordBatch) error {
		_, start, next, err := object.NextBatch(block, end)
		if err != nil {
			return err
		}
		end = next
		if n := len(t.marks); n == 0 || start-int(t.marks[n-1].at) >= markGrain {
			t.marks = append(t.marks, mark{int32(b.BaseOffset - e.StartOffset), int32(start)})
		}
		if verify != nil && t.bad == nil {
			if err := verify(b); err != nil {
				t.bad, t.badAt = fmt.Errorf("object %d, batch at offset %d: %w", id, b.BaseOffset, err), start
			}
		}
		return nil
	})
	return t, err
}

// seek returns the position of a batch at or before the one that holds the
// offset, not far from it.
func (t *table) seek(delta int64) int {
	i := sort.Search(len(t.marks), func(i int) bool { return int64(t.marks[i].delta) > delta })
	if i == 0 {
		return 0
	}
	return int(t.marks[i-1].at)
}

// Cursor walks the batches of a block. It is valid as long as the caller's pin
// or loan.
type Cursor struct {
	block  *Block
	bytes  []byte
	at     int
	offset int64 // batches that end here or before are passed over
}

// Batches returns a cursor before the batch that holds offset, or else before the
// first one after it.
func (b *Block) Batches(offset int64) Cursor {
	return Cursor{block: b, bytes: b.Bytes(), at: b.table.seek(offset - b.entry.StartOffset), offset: offset}
}

// Next returns the next batch, whose payload aliases the block. false: this was
// the last one, or err says why it cannot be served.
func (c *Cursor) Next() (b object.RecordBatch, ok bool, err error) {
	for {
		b, start, end, err := object.NextBatch(c.bytes, c.at)
		if err != nil {
			return b, false, err
		}
		if start == len(c.bytes) {
			return b, false, nil
		}
		if bad := c.block.table.bad; bad != nil && start >= c.block.table.badAt && b.EndOffset() > c.offset {
			return b, false, bad
		}
		if c.at = end; b.EndOffset() > c.offset {
			return b, true, nil
		}
	}
}
