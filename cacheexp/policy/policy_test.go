package policy_test

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/cacheexp/policy"
)

func TestNew(t *testing.T) {
	names := policy.Names()
	require.Equal(t, []string{"2q", "arc", "clock", "fifo", "lirs", "lru", "s3fifo", "sieve", "slru", "wtinylfu"}, names)
	_, err := policy.New("mru", 1)
	require.ErrorContains(t, err, `unknown cache policy "mru" (known: 2q, arc, clock, fifo`)
}

// TestTranscripts replays requests by hand. A line is a key, with a size
// behind a colon; each answers hit, or miss with what was evicted.
func TestTranscripts(t *testing.T) {
	datadriven.RunTest(t, "testdata/transcripts", func(t *testing.T, d *datadriven.TestData) string {
		var capacity int64
		d.ScanArgs(t, "capacity", &capacity)
		p, err := policy.New(d.Cmd, capacity)
		require.NoError(t, err)
		var out strings.Builder
		for word := range strings.FieldsSeq(d.Input) {
			fmt.Fprintln(&out, replay(t, p, capacity, word))
		}
		fmt.Fprintf(&out, "used %d\n", p.Used())
		return out.String()
	})
}

func replay(t *testing.T, p policy.Policy, capacity int64, word string) string {
	if gone, ok := strings.CutPrefix(word, "-"); ok {
		p.Remove(policy.Key{Object: int64(gone[0])})
		return "remove " + gone
	}
	var name string
	r := policy.Request{Size: 1}
	if _, err := fmt.Sscanf(strings.Replace(word, ":", " ", 1), "%s %d", &name, &r.Size); err != nil {
		_, err = fmt.Sscan(word, &name)
		require.NoError(t, err)
	}
	r.Key.Object = int64(name[0])
	if p.Access(r) {
		return name + " hit"
	}
	line := name + " miss"
	if !policy.MakeRoom(p, capacity, r, func(k policy.Key) { line += " -" + string(rune(k.Object)) }) {
		return line + " too large"
	}
	p.Insert(r)
	return line
}

// TestModel holds each policy against what every policy must keep: residency
// is what was inserted less what was evicted and removed, Used is its sum, and
// the capacity is never exceeded. lru and fifo are held against the obvious
// slice as well.
func TestModel(t *testing.T) {
	for _, name := range policy.Names() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				capacity := rapid.Int64Range(1, 30).Draw(r, "capacity")
				p, err := policy.New(name, capacity)
				require.NoError(r, err)
				m := &model{name: name, sizes: map[policy.Key]int64{}}
				for i := range rapid.IntRange(1, 200).Draw(r, "requests") {
					m.step(r, p, capacity, int64(i))
				}
			})
		})
	}
}

type model struct {
	name  string
	sizes map[policy.Key]int64
	order []policy.Key // next victim first
}

func (m *model) step(r *rapid.T, p policy.Policy, capacity, now int64) {
	id := rapid.Int64Range(0, 12).Draw(r, "key")
	req := policy.Request{Key: policy.Key{Object: id / 4, Position: id % 4}, Size: id%5 + 1, Now: now}
	if rapid.IntRange(0, 9).Draw(r, "remove") == 0 {
		p.Remove(req.Key)
		m.forget(req.Key)
	} else {
		m.request(r, p, capacity, req)
	}
	used := int64(0)
	for _, n := range m.sizes {
		used += n
	}
	require.Equal(r, used, p.Used())
	require.LessOrEqual(r, used, capacity)
}

func (m *model) request(r *rapid.T, p policy.Policy, capacity int64, req policy.Request) {
	_, resident := m.sizes[req.Key]
	require.Equal(r, resident, p.Access(req))
	if resident {
		if m.name == "lru" {
			m.order = append(slices.DeleteFunc(m.order, func(k policy.Key) bool { return k == req.Key }), req.Key)
		}
		return
	}
	fits := policy.MakeRoom(p, capacity, req, func(k policy.Key) {
		require.Contains(r, m.sizes, k)
		if m.name == "lru" || m.name == "fifo" {
			require.Equal(r, m.order[0], k)
		}
		m.forget(k)
	})
	require.Equal(r, req.Size <= capacity, fits)
	if fits {
		p.Insert(req)
		m.sizes[req.Key] = req.Size
		m.order = append(m.order, req.Key)
	}
}

func (m *model) forget(k policy.Key) {
	delete(m.sizes, k)
	m.order = slices.DeleteFunc(m.order, func(o policy.Key) bool { return o == k })
}

// TestNoAllocs: in the steady state a request allocates nothing.
func TestNoAllocs(t *testing.T) {
	for _, name := range policy.Names() {
		p, err := policy.New(name, 1000)
		require.NoError(t, err)
		id := int64(0)
		request := func() {
			id = (id*48271 + 11) % 3001
			r := policy.Request{Key: policy.Key{Object: id % 3000}, Size: 1, Now: id}
			if !p.Access(r) {
				policy.MakeRoom(p, 1000, r, func(policy.Key) {})
				p.Insert(r)
			}
		}
		for range 100_000 {
			request()
		}
		require.Zero(t, testing.AllocsPerRun(10_000, request), name)
	}
}

func BenchmarkRequest(b *testing.B) {
	for _, name := range policy.Names() {
		b.Run("policy="+name, func(b *testing.B) {
			const capacity = 100_000
			p, err := policy.New(name, capacity)
			require.NoError(b, err)
			b.ReportAllocs()
			id := int64(1)
			for b.Loop() {
				id = id * 48271 % 2147483647
				r := policy.Request{Key: policy.Key{Object: id % (2 * capacity)}, Size: 1}
				if !p.Access(r) {
					policy.MakeRoom(p, capacity, r, func(policy.Key) {})
					p.Insert(r)
				}
			}
		})
	}
}

// BenchmarkLookup is what a hit costs a cache of a million blocks, asked for in
// random order: each lookup meets memory that is in no cache of the processor.
func BenchmarkLookup(b *testing.B) {
	const blocks, each = 1_000_000, 1000 // each: blocks of an object
	key := func(i uint64) policy.Key {
		return policy.Key{Object: int64(i / each), Position: int64(i%each) << 20}
	}
	for _, name := range policy.Names() {
		b.Run("policy="+name+"/blocks=1M", func(b *testing.B) {
			p, err := policy.New(name, blocks)
			require.NoError(b, err)
			for i := range uint64(blocks) {
				p.Insert(policy.Request{Key: key(i), Size: 1})
			}
			b.ReportAllocs()
			x := uint64(1)
			for b.Loop() {
				x = x*6364136223846793005 + 1442695040888963407
				hi, _ := bits.Mul64(x, blocks)
				if !p.Access(policy.Request{Key: key(hi), Size: 1}) {
					b.Fatal("every block is there")
				}
			}
		})
	}
}
