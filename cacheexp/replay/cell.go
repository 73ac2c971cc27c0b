package replay

import (
	"fmt"

	"github.com/tidelog/tide/cacheexp/policy"
)

// key names the block to a policy.
func (r *Request) key() policy.Key { return policy.Key{Object: r.Object, Position: r.Position} }

// bytes of the block. One of no size takes a byte, since a policy must be able
// to tell it from nothing.
func (r *Request) bytes() int64 { return max(1, int64(r.Size)) }

// cache is one cell at work. It is for one goroutine at a time.
type cache struct {
	cell     Cell
	capacity int64
	policy   policy.Policy
	requests int64
	misses   int64
	asked    int64 // bytes
	missed   int64 // bytes
}

func newCache(c Cell, f Footprint) (*cache, error) {
	capacity, err := c.Capacity(f)
	if err != nil {
		return nil, err
	}
	p := policy.NewBelady()
	if c.Policy != Belady {
		if p, err = policy.New(c.Policy, capacity); err != nil {
			return nil, err
		}
	}
	return &cache{cell: c, capacity: capacity, policy: p}, nil
}

// serve puts the requests to the policy, in order.
func (c *cache) serve(batch []Request) error {
	drop := func(policy.Key) {}
	bytes, oracle := c.cell.Unit == Bytes, c.cell.Policy == Belady
	for i := range batch {
		r := &batch[i]
		q := policy.Request{Key: r.key(), Size: 1, Now: c.requests, Next: r.Next}
		if bytes {
			q.Size = r.bytes()
		}
		if oracle && q.Next <= q.Now {
			return fmt.Errorf("request %d says that its block is asked for next by request %d: "+
				"%s needs a trace that tells the future, counted from 0", q.Now, q.Next, Belady)
		}
		c.requests++
		c.asked += int64(r.Size)
		if c.policy.Access(q) {
			continue
		}
		c.misses++
		c.missed += int64(r.Size)
		if policy.MakeRoom(c.policy, c.capacity, q, drop) {
			c.policy.Insert(q)
		}
	}
	return nil
}

func (c *cache) row(trace string) Row {
	return Row{
		Trace: trace, Policy: c.cell.Policy, Prefetch: noPrefetch, Size: c.capacity, Unit: c.cell.Unit,
		Requests: c.requests, Misses: c.misses,
		MissRatio: ratio(c.misses, c.requests), ByteMissRatio: ratio(c.missed, c.asked),
	}
}

func ratio(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
