package arena

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPoolReusesTheNewestAndBoundsWhatIsMapped(t *testing.T) {
	p := NewPool(PoolConfig{Least: 4 << 10, Most: 64 << 10, Keep: 28 << 10})
	get := func(n int) []byte {
		b, err := p.Get(n)
		require.NoError(t, err)
		require.Len(t, b, p.Size(n))
		return b
	}
	a, b, c := get(1), get(5000), get(9000)
	require.Equal(t, PoolStats{Lent: 28 << 10, Mappings: 3}, p.Stats())
	a[0], b[0], c[0] = 1, 2, 3
	p.Put(a)
	p.Put(b)
	require.Equal(t, PoolStats{Lent: 16 << 10, Idle: 12 << 10, Mappings: 3}, p.Stats())
	require.EqualValues(t, 2, get(8 << 10)[0], "the same memory again")
	d := get(30 << 10) // 24 KiB are lent, and 32 more: what is idle goes
	require.Equal(t, PoolStats{Lent: 56 << 10, Mappings: 4}, p.Stats())
	p.Put(d)
	p.Put(c)
	require.Equal(t, PoolStats{Lent: 8 << 10, Idle: 16 << 10, Mappings: 4}, p.Stats(), "the longest unused went")
	require.EqualValues(t, 3, get(16 << 10)[0])
}

func TestPoolRefusesWhatIsTooLarge(t *testing.T) {
	p := NewPool(PoolConfig{Least: 4 << 10, Most: 64 << 10})
	_, err := p.Get(64<<10 + 1)
	require.ErrorContains(t, err, "at most 65536")
	require.Zero(t, p.Stats())
	require.Panics(t, func() { NewPool(PoolConfig{Least: 5000, Most: 8 << 10}) })
}

func TestPoolCloseKeepsNothing(t *testing.T) {
	p := NewPool(PoolConfig{Least: 4 << 10, Most: 64 << 10, Keep: 1 << 20})
	idle, err := p.Get(1)
	require.NoError(t, err)
	lent, err := p.Get(1)
	require.NoError(t, err)
	p.Put(idle)
	require.NoError(t, p.Close())
	require.Equal(t, PoolStats{Lent: 4 << 10, Mappings: 2}, p.Stats())
	p.Put(lent)
	require.Equal(t, PoolStats{Mappings: 2}, p.Stats())
}

// TestPoolNeverLendsTwice: whatever the order, a buffer has one borrower, and
// what is idle stays within its bound.
func TestPoolNeverLendsTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		keep := rapid.Int64Range(0, 64<<10).Draw(rt, "keep")
		p := NewPool(PoolConfig{Least: 4 << 10, Most: 32 << 10, Keep: keep})
		defer p.Close()
		lent := map[*byte][]byte{}
		rt.Repeat(map[string]func(*rapid.T){
			"get": func(rt *rapid.T) {
				b, err := p.Get(rapid.IntRange(0, 32<<10).Draw(rt, "n"))
				require.NoError(rt, err)
				_, twice := lent[&b[0]]
				require.False(rt, twice)
				lent[&b[0]] = b
			},
			"put": func(*rapid.T) {
				for at, b := range lent {
					delete(lent, at)
					p.Put(b)
					return
				}
			},
			"": func(rt *rapid.T) {
				var sum int64
				for _, b := range lent {
					sum += int64(len(b))
				}
				require.Equal(rt, sum, p.Stats().Lent)
				require.LessOrEqual(rt, sum+p.Stats().Idle, max(keep, sum))
			},
		})
		for _, b := range lent {
			p.Put(b)
		}
	})
}
