package replay_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/replay"
	"github.com/tidelog/tide/cacheexp/trace"
)

// write makes a file of the trace in a folder of the test.
func write(t testing.TB, format string, b []byte) replay.Trace {
	f := filepath.Join(t.TempDir(), "trace."+format)
	require.NoError(t, os.WriteFile(f, b, 0o600))
	return replay.Trace{Path: f, Format: format}
}

func csvOf(ids, sizes []int64) []byte {
	var b bytes.Buffer
	b.WriteString("time,obj_id,obj_size\n")
	for i, id := range ids {
		fmt.Fprintf(&b, "%d,%d,%d\n", i/10, id, sizes[id])
	}
	return b.Bytes()
}

// tideOf is the same as a recording, with prefetches in between. The keys are
// the same too, for W-TinyLFU's sketch depends on them.
func tideOf(t testing.TB, ids, sizes []int64) []byte {
	var as []trace.Access
	for i, id := range ids {
		a := trace.Access{Kind: trace.Hit, Time: int64(i) * 1e8, Object: id, Size: int32(sizes[id])}
		if i%5 == 0 {
			ahead := a
			ahead.Kind, ahead.Object = trace.Prefetch, 999
			as = append(as, ahead)
		}
		as = append(as, a)
	}
	return recording(t, as...)
}

func oracleOf(ids, sizes []int64) (b []byte) {
	for i, id := range ids {
		b = append(b, oracleRequest(uint32(i/10), uint64(id), uint32(sizes[id]), next(ids, i))...)
	}
	return b
}

// next looks ahead.
func next(ids []int64, i int) int64 {
	for j := i + 1; j < len(ids); j++ {
		if ids[j] == ids[i] {
			return int64(j)
		}
	}
	return -1
}

func cells(unit replay.Unit, sizes ...float64) (all []replay.Cell) {
	for _, p := range replay.Policies() {
		for _, s := range sizes {
			all = append(all, replay.Cell{Policy: p, Size: s, Unit: unit})
		}
	}
	return all
}

func draw(seed uint64, n, of int) (ids, sizes []int64) {
	z := newZipf(seed, of)
	for range n {
		ids = append(ids, z.draw())
	}
	r := rand.New(rand.NewPCG(seed, 2))
	for range of {
		sizes = append(sizes, r.Int64N(1000)+1)
	}
	return ids, sizes
}

// TestFormats: the same requests miss the same in any format, all cells
// together or one by one.
func TestFormats(t *testing.T) {
	ids, sizes := draw(3, 5000, 400)
	for _, unit := range []replay.Unit{replay.Objects, replay.Bytes} {
		all := cells(unit, 0.05, 0.3, 5000)
		var want []replay.Row
		for _, tr := range []replay.Trace{
			write(t, "csv", csvOf(ids, sizes)), write(t, "oracleGeneral", oracleOf(ids, sizes)), write(t, "tide", tideOf(t, ids, sizes)),
		} {
			rows, err := replay.Run(t.Context(), tr, all)
			require.NoError(t, err)
			require.Len(t, rows, len(all))
			for i := range rows {
				require.Equal(t, tr.Name(), rows[i].Trace)
				rows[i].Trace = ""
			}
			if want == nil {
				want = rows
			}
			require.Equal(t, want, rows, tr.Format)
		}
		one, err := replay.Run(t.Context(), write(t, "csv", csvOf(ids, sizes)), all[7:8])
		require.NoError(t, err)
		one[0].Trace = ""
		require.Equal(t, want[7:8], one)
	}
}

// TestAgainstMap holds the counts of a row against a cache that never evicts,
// and one that holds nothing but the latest block.
func TestAgainstMap(t *testing.T) {
	ids, sizes := draw(4, 3000, 500)
	seen, footprint, asked, latest := map[int64]bool{}, int64(0), int64(0), int64(0)
	for i, id := range ids {
		asked += sizes[id]
		if !seen[id] {
			seen[id], footprint = true, footprint+sizes[id]
		}
		if i == 0 || ids[i-1] != id {
			latest++
		}
	}
	tr := write(t, "csv", csvOf(ids, sizes))
	rows, err := replay.Run(t.Context(), tr, cells(replay.Bytes, 1))
	require.NoError(t, err)
	for _, r := range rows {
		require.EqualValues(t, []int64{footprint, int64(len(ids)), int64(len(seen))}, []int64{r.Size, r.Requests, r.Misses}, r.Policy)
		require.InDelta(t, float64(footprint)/float64(asked), r.ByteMissRatio, 1e-12)
		require.InDelta(t, float64(len(seen))/float64(len(ids)), r.MissRatio, 1e-12)
	}
	rows, err = replay.Run(t.Context(), tr, cells(replay.Objects, 1.5/float64(len(seen))))
	require.NoError(t, err)
	for _, r := range rows {
		require.EqualValues(t, []int64{1, latest}, []int64{r.Size, r.Misses}, r.Policy)
	}
}

// TestBelady: with blocks of one size no policy has fewer misses, and none is
// possible: the best of all choices, found by trying them, has as many.
func TestBelady(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ids := rapid.SliceOfN(rapid.Int64Range(0, 9), 1, 200).Draw(r, "ids")
		sizes := make([]int64, 10)
		src := func() replay.Source {
			s, err := replay.Decode(bytes.NewReader(oracleOf(ids, sizes)), "oracleGeneral")
			require.NoError(r, err)
			return s
		}
		size := rapid.Int64Range(2, 8).Draw(r, "size")
		rows, err := replay.Simulate(t.Context(), src(), "", cells(replay.Objects, float64(size)), replay.Footprint{})
		require.NoError(r, err)
		misses := map[string]int64{}
		for _, row := range rows {
			misses[row.Policy] = row.Misses
		}
		for name, n := range misses {
			require.LessOrEqual(r, misses[replay.Belady], n, name)
		}
		few := ids[:min(len(ids), 14)]
		rows, err = replay.Simulate(t.Context(), mustDecode(r, few, sizes), "", []replay.Cell{{Policy: replay.Belady, Size: 2, Unit: replay.Objects}}, replay.Footprint{})
		require.NoError(r, err)
		require.EqualValues(r, fewest(few, nil, 2), rows[0].Misses)
	})
}

func mustDecode(r require.TestingT, ids, sizes []int64) replay.Source {
	s, err := replay.Decode(bytes.NewReader(oracleOf(ids, sizes)), "oracleGeneral")
	require.NoError(r, err)
	return s
}

// fewest misses of any sequence of evictions, when every miss is inserted.
func fewest(ids, held []int64, size int) int {
	if len(ids) == 0 {
		return 0
	}
	for _, h := range held {
		if h == ids[0] {
			return fewest(ids[1:], held, size)
		}
	}
	if len(held) < size {
		return 1 + fewest(ids[1:], append(held[:len(held):len(held)], ids[0]), size)
	}
	best := len(ids)
	for i := range held {
		kept := append([]int64(nil), held...)
		kept[i] = ids[0]
		best = min(best, 1+fewest(ids[1:], kept, size))
	}
	return best
}

// TestNext: Belady's misses on a trace that does not tell the future are those
// on one that does, over several pieces of the temporary file.
func TestNext(t *testing.T) {
	ids, sizes := draw(5, 100_000, 20_000)
	last := map[int64]int64{}
	nexts := make([]int64, len(ids))
	for i := len(ids) - 1; i >= 0; i-- {
		nexts[i] = -1
		if j, ok := last[ids[i]]; ok {
			nexts[i] = j
		}
		last[ids[i]] = int64(i)
	}
	var oracle []byte
	for i, id := range ids {
		oracle = append(oracle, oracleRequest(0, uint64(id), uint32(sizes[id]), nexts[i])...)
	}
	cell := []replay.Cell{{Policy: replay.Belady, Size: 0.1, Unit: replay.Bytes}}
	a, err := replay.Run(t.Context(), write(t, "csv", csvOf(ids, sizes)), cell)
	require.NoError(t, err)
	b, err := replay.Run(t.Context(), write(t, "oracleGeneral", oracle), cell)
	require.NoError(t, err)
	require.Equal(t, a[0].Misses, b[0].Misses)
	require.Less(t, a[0].Misses, a[0].Requests)
}

// TestZipf: the orderings that the policies' papers show on Zipf's law hold, by
// the margin that stands here. Ratios of misses at a cache of 1 % and 10 % of
// 20,000 objects over 400,000 requests, seed 7.
func TestZipf(t *testing.T) {
	ids, sizes := draw(7, 400_000, 20_000)
	tr := write(t, "csv", csvOf(ids, sizes))
	for _, size := range []float64{0.01, 0.1} {
		rows, err := replay.Run(t.Context(), tr, cells(replay.Objects, size))
		require.NoError(t, err)
		miss := map[string]float64{}
		for _, r := range rows {
			miss[r.Policy] = r.MissRatio
		}
		t.Log(size, miss)
		for _, o := range []struct {
			better, worse string
			margin        float64 // better ≤ margin × worse
		}{
			{"lru", "fifo", 0.97},     // Mattson et al.: recency helps where some keys are hot
			{"clock", "fifo", 0.96},   // CLOCK approximates LRU …
			{"sieve", "lru", 0.90},    // Zhang et al. 2024, figure 6
			{"sieve", "clock", 0.90},  // …, lazy promotion and quick demotion
			{"s3fifo", "lru", 0.90},   // Yang et al. 2023
			{"arc", "lru", 0.92},      // Megiddo and Modha 2003
			{"lirs", "lru", 0.92},     // Jiang and Zhang 2002
			{"2q", "lru", 0.95},       // Johnson and Shasha 1994
			{"slru", "lru", 0.92},     // Karedla et al. 1994
			{"wtinylfu", "lru", 0.90}, // Einziger et al. 2017
			{"wtinylfu", "2q", 0.99},  // frequency is all that Zipf's law has
			{"belady", "wtinylfu", 0.9},
		} {
			require.LessOrEqual(t, miss[o.better], o.margin*miss[o.worse], "%s, %s at %v", o.better, o.worse, size)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	ids, sizes := draw(6, 100, 50)
	tr := write(t, "csv", csvOf(ids, sizes))
	run := func(tr replay.Trace, c ...replay.Cell) error {
		_, err := replay.Run(t.Context(), tr, c)
		return err
	}
	good := replay.Cell{Policy: "lru", Size: 0.1, Unit: replay.Objects}
	require.NoError(t, run(tr, good))
	require.ErrorContains(t, run(tr), "nothing to simulate")
	require.ErrorContains(t, run(replay.Trace{Path: tr.Path, Format: "xml"}, good), `format "xml"`)
	require.ErrorContains(t, run(tr, replay.Cell{Policy: "mru", Size: 1, Unit: "blocks", Prefetch: "fixed"}),
		"unknown cache policy \"mru\" (known: 2q, arc, belady, clock")
	for want, change := range map[string]func(*replay.Cell){
		`unknown unit "blocks"`: func(c *replay.Cell) { c.Unit = "blocks" },
		`prefetcher "fixed"`:    func(c *replay.Cell) { c.Prefetch = "fixed" },
		"size -1":               func(c *replay.Cell) { c.Size = -1 },
		"size 0:":               func(c *replay.Cell) { c.Size = 0 },
		"size 2.5":              func(c *replay.Cell) { c.Size = 2.5 },
		"less than one of":      func(c *replay.Cell) { c.Size = 0.001 },
	} {
		bad := good
		change(&bad)
		require.ErrorContains(t, run(tr, good, bad), want)
	}
	broken := write(t, "csv", append(csvOf(ids, sizes), "1,x,1\n"...))
	require.ErrorContains(t, run(broken, good), "line 102")
	good.Size = 10 // no survey
	require.ErrorContains(t, run(broken, good), "line 102")
	back := write(t, "oracleGeneral", append(oracleRequest(1, 1, 1, 1), oracleRequest(1, 1, 1, 1)...))
	require.NoError(t, run(back, good))
	good.Policy = replay.Belady
	require.ErrorContains(t, run(back, good), "request 1 says that its block is asked for next by request 1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := replay.Run(ctx, tr, []replay.Cell{good})
	require.ErrorIs(t, err, context.Canceled)
}

// TestLost: what a recording lacks is said in its rows.
func TestLost(t *testing.T) {
	whole := recording(t, trace.Access{Kind: trace.Hit, Size: 1, Object: 1})
	mark := make([]byte, 64) // as a recorder writes it that was too slow
	mark[0], mark[15], mark[23] = 254, 1, 7
	cut := append(append([]byte(nil), whole[:16+64]...), mark...)
	for want, b := range map[int64][]byte{0: whole, 7: cut} {
		for _, p := range []string{"lru", replay.Belady} {
			rows, err := replay.Run(t.Context(), write(t, "tide", b), []replay.Cell{{Policy: p, Size: 2, Unit: replay.Objects}})
			require.NoError(t, err)
			require.EqualValues(t, []int64{want, 1}, []int64{rows[0].Lost, rows[0].Requests}, p)
		}
	}
}

// TestShare: shares are rounded down, as decimal fractions are meant.
func TestShare(t *testing.T) {
	ids := make([]int64, 100)
	for i := range ids {
		ids[i] = int64(i)
	}
	tr := write(t, "csv", csvOf(ids, make([]int64, 100)))
	for share, want := range map[float64]int64{0.29: 29, 0.01: 1, 0.015: 1, 0.999: 99, 1: 100} {
		rows, err := replay.Run(t.Context(), tr, []replay.Cell{{Policy: "lru", Size: share, Unit: replay.Objects}})
		require.NoError(t, err)
		require.Equal(t, want, rows[0].Size, share)
	}
	require.Equal(t, len(replay.Header()), len(replay.Row{}.Record()))
	require.Equal(t, "trace,policy,prefetch,size,unit,requests,misses,miss_ratio,byte_miss_ratio", strings.Join(replay.Header(), ","))
	require.Contains(t, replay.Policies(), replay.Belady)
	require.NotContains(t, policy.Names(), replay.Belady) // the broker cannot have it
}
