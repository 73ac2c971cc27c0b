package policy

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestSlow holds each policy against its slow one: the same hits, the same
// victims in the same order, whatever is removed or evicted in between. Half of
// the runs have blocks of one size, as in the papers.
func TestSlow(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, slow, name)
			rapid.Check(t, func(r *rapid.T) {
				capacity := rapid.Int64Range(1, 40).Draw(r, "capacity")
				fast, err := New(name, capacity)
				require.NoError(r, err)
				d := duel{
					fast: fast, slow: slow[name](capacity), capacity: capacity, unit: rapid.Bool().Draw(r, "unit"),
					keys: rapid.Int64Range(1, 120).Draw(r, "keys"), calm: rapid.Bool().Draw(r, "calm"),
					resident: map[Key]bool{},
				}
				if a, ok := d.slow.(*slowARC); ok {
					a.paper = d.unit && d.calm
				}
				for i := range rapid.IntRange(1, 400).Draw(r, "requests") {
					d.step(r, int64(i))
				}
			})
		})
	}
}

type duel struct {
	fast, slow     Policy
	capacity, keys int64
	unit           bool // blocks of size 1
	calm           bool // nothing happens but requests, as in the papers
	resident       map[Key]bool
}

func (d *duel) step(r *rapid.T, now int64) {
	// The lesser of two is drawn more often than the greater: some keys are hot.
	id := min(rapid.Int64Range(0, d.keys).Draw(r, "a"), rapid.Int64Range(0, d.keys).Draw(r, "b"))
	req := Request{Key: Key{Object: id / 4, Position: id % 4}, Size: 1, Now: now}
	if !d.unit {
		req.Size += id % 7
	}
	op := 9
	if !d.calm {
		op = rapid.IntRange(0, 9).Draw(r, "op")
	}
	switch op {
	case 0: // the data was never got
		d.fast.Remove(req.Key)
		d.slow.Remove(req.Key)
		delete(d.resident, req.Key)
	case 1: // a pinned block stands in the way
		d.evict(r, req)
	case 2: // the reader has given up
		require.Equal(r, d.slow.Access(req), d.fast.Access(req))
	case 3: // loaded ahead of the reader
		if !d.resident[req.Key] {
			d.insert(r, req)
		}
	default:
		require.Equal(r, d.resident[req.Key], d.slow.Access(req))
		require.Equal(r, d.resident[req.Key], d.fast.Access(req))
		if !d.resident[req.Key] {
			d.insert(r, req)
		}
	}
	require.Equal(r, d.slow.Used(), d.fast.Used())
	require.LessOrEqual(r, d.fast.Used(), d.capacity)
	checkTables(r, d.fast, d.capacity)
}

func (d *duel) evict(r *rapid.T, req Request) {
	want, wantOK := d.slow.Evict(req)
	got, ok := d.fast.Evict(req)
	require.Equal(r, want, got)
	require.Equal(r, wantOK, ok)
	delete(d.resident, got)
}

func (d *duel) insert(r *rapid.T, req Request) {
	if req.Size > d.capacity {
		return
	}
	for d.slow.Used()+req.Size > d.capacity {
		d.evict(r, req)
	}
	d.slow.Insert(req)
	d.fast.Insert(req)
	d.resident[req.Key] = true
}

// checkTables: what a policy remembers is bounded, whatever is removed: what is
// resident and ghosts of twice the capacity at most, each of size 1 or more.
func checkTables(r require.TestingT, p Policy, capacity int64) {
	n := p.(interface{ entries() int }).entries()
	require.LessOrEqual(r, int64(n), 3*capacity+1)
}

// TestGhosts: how many keys each policy holds at most with blocks of one size.
func TestGhosts(t *testing.T) {
	const capacity = 1000
	for name, want := range map[string]int{
		"fifo": 1000, "lru": 1000, "clock": 1000, "sieve": 1000, "slru": 1000, "wtinylfu": 1000,
		"s3fifo": 1900, "2q": 1500, "arc": 2000, "lirs": 3000,
	} {
		p, err := New(name, capacity)
		require.NoError(t, err)
		most := 0
		for i := range int64(20_000) {
			r := Request{Key: Key{Object: i * i % 9973}, Size: 1, Now: i}
			if i%3 == 0 {
				r.Key = Key{Object: -i}
			}
			if !p.Access(r) {
				MakeRoom(p, capacity, r, func(Key) {})
				p.Insert(r)
			}
			most = max(most, p.(interface{ entries() int }).entries())
		}
		require.LessOrEqual(t, most, want, name)
		require.Greater(t, most, want*8/10, name) // the bound is near what is used
	}
}

// TestTable holds the table against a map, with hashes that collide.
func TestTable(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var s queues
		m := map[Key]int64{}
		for range rapid.IntRange(1, 300).Draw(r, "steps") {
			k := Key{Object: rapid.Int64Range(-20, 60).Draw(r, "object"), Position: rapid.Int64Range(0, 3).Draw(r, "position")}
			_, has := m[k]
			i := s.find(k)
			require.Equal(r, has, i != none)
			switch {
			case !has:
				m[k] = k.Object
				s.insert(Request{Key: k, Size: k.Object})
			case rapid.Bool().Draw(r, "drop"):
				delete(m, k)
				require.Equal(r, k, s.forget(i))
			default:
				require.Equal(r, m[k], s.sizes[i])
			}
			require.Equal(r, len(m), s.taken)
		}
		for k := range m {
			require.NotEqual(r, none, s.find(k))
		}
	})
}

// TestSketch: an estimate is never below the truth, up to its largest value,
// nor changed when the sketch grows; halving halves it.
func TestSketch(t *testing.T) {
	s := newSketch()
	s.ensure(4000)
	count := map[int64]int{}
	for i := range int64(20_000) {
		id := i * i % 3001 % 997
		count[id]++
		s.add(Key{Object: id}.hash())
	}
	over := 0
	before := map[int64]int{}
	for id, n := range count {
		got := s.estimate(Key{Object: id}.hash())
		require.GreaterOrEqual(t, got, min(n, 15))
		over += got - min(n, 16)
		before[id] = got
	}
	require.Less(t, over, len(count)/20) // about one in a hundred is too high
	s.ensure(3 * len(s.counters))
	for id, n := range before {
		require.Equal(t, n, s.estimate(Key{Object: id}.hash()))
	}
	s.halve()
	for id, n := range before {
		require.Equal(t, (n-1)/2, s.estimate(Key{Object: id}.hash())) // without the doorkeeper's one
	}
}
