package timed_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/cacheexp/timed"
	"github.com/tidelog/tide/cacheexp/trace"
	"github.com/tidelog/tide/internal/storetime"
)

// tape is a Source.
type tape struct {
	items []trace.Access
	at    int
}

func (p *tape) Next() (trace.Access, error) {
	if p.at == len(p.items) {
		return trace.Access{}, io.EOF
	}
	p.at++
	return p.items[p.at-1], nil
}

const mib = 1 << 20

// steady takes 10 ms to the first byte and 10 ms for each MiB.
var steady = storetime.Service{
	Name: "steady", Get: storetime.Latency{P50: 10 * time.Millisecond, P99: 10 * time.Millisecond}, Bandwidth: 100 * mib,
	Price: storetime.Price{Get: 0.4, Down: 0.01},
}

// TestTranscripts replays accesses by hand. The command is a prefetcher's spec,
// with capacity=N blocks (of 1 MiB) and, if wanted, loads=N and ahead=N GETs in
// flight and held=N accesses. A line is a time in ms and what is asked for then:
// READER:BLOCK, or +BLOCK when a block comes into being. Blocks have the numbers
// of their stream; block n lies in object n/100. With "also A-B" the blocks are
// known although nobody asks for them.
func TestTranscripts(t *testing.T) {
	datadriven.RunTest(t, "testdata/transcripts", func(t *testing.T, d *datadriven.TestData) string {
		cfg := timed.Config{Policy: "lru", Prefetch: d.Cmd, Service: steady}
		d.ScanArgs(t, "capacity", &cfg.Capacity)
		cfg.Capacity *= mib
		d.MaybeScanArgs(t, "loads", &cfg.MaxLoads)
		d.MaybeScanArgs(t, "ahead", &cfg.MaxPrefetch)
		d.MaybeScanArgs(t, "held", &cfg.MaxHeld)
		items := scenario(t, d.Input)
		c, err := timed.NewCatalog(&tape{items: items})
		require.NoError(t, err)
		r, err := timed.Run(c, &tape{items: items}, cfg)
		require.NoError(t, err)
		return describe(r)
	})
}

func describe(r *timed.Result) string {
	var out strings.Builder
	fmt.Fprintf(&out, "requests %d misses %d GETs %d fetched %d of %d MiB, took %v\n", r.Requests, r.Misses, r.GETs, r.Fetched/mib, r.Bytes/mib, r.Took)
	if r.Prefetched+r.MissesAlone > 0 {
		fmt.Fprintf(&out, "prefetched %d used %d late %d (%v) wasted %d dropped %d\n", r.Prefetched, r.Used, r.Late, r.LateWait, r.Wasted, r.Dropped)
		fmt.Fprintf(&out, "alone %d covered %d polluted %d\n", r.MissesAlone, r.Covered, r.Polluted)
	}
	if r.Stalled > 0 {
		fmt.Fprintf(&out, "stalled %v\n", r.Stalled)
	}
	f := r.Figures()
	fmt.Fprintf(&out, "p50 %.0f ms p99 %.0f ms\n", f.P50/1000, f.P99/1000)
	return out.String()
}

func scenario(t *testing.T, text string) []trace.Access {
	var out []trace.Access
	block := func(kind trace.Kind, ms, reader, n int64) {
		out = append(out, trace.Access{
			Kind: kind, Size: mib, Time: ms * 1e6, Stream: 1, Reader: uint64(reader),
			Object: n / 100, Position: n % 100 * mib, Start: n, End: n + 1,
		})
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		var a, b, ms int64
		if words[0] == "also" {
			_, err := fmt.Sscanf(words[1], "%d-%d", &a, &b)
			require.NoError(t, err)
			for n := a; n <= b; n++ {
				block(trace.Prefetch, 0, 0, n)
			}
			continue
		}
		_, err := fmt.Sscan(words[0], &ms)
		require.NoError(t, err, line)
		for _, w := range words[1:] {
			if _, err := fmt.Sscanf(w, "+%d", &a); err == nil {
				block(trace.Commit, ms, 0, a)
				continue
			}
			_, err := fmt.Sscanf(w, "%d:%d", &a, &b)
			require.NoError(t, err, w)
			block(trace.Miss, ms, a, b)
		}
	}
	return out
}

// TestOrder: one reader without a prefetcher has the hits and misses that the
// policy alone has, whatever the policy, and whatever the store takes.
func TestOrder(t *testing.T) {
	for _, name := range policy.Names() {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				var items []trace.Access
				for i := range rapid.IntRange(1, 200).Draw(t, "requests") {
					n := rapid.Int64Range(0, 30).Draw(t, "block")
					items = append(items, trace.Access{Kind: trace.Miss, Size: int32(n%5 + 1), Time: int64(i) * 1e6, Object: n})
				}
				capacity := rapid.Int64Range(1, 60).Draw(t, "capacity")
				p, err := policy.New(name, capacity)
				require.NoError(t, err)
				misses := int64(0)
				for _, a := range items {
					q := policy.Request{Key: policy.Key{Object: a.Object}, Size: int64(a.Size)}
					if p.Access(q) {
						continue
					}
					misses++
					if policy.MakeRoom(p, capacity, q, func(policy.Key) {}) {
						p.Insert(q)
					}
				}
				c, err := timed.NewCatalog(&tape{items: items})
				require.NoError(t, err)
				r, err := timed.Run(c, &tape{items: items}, timed.Config{Policy: name, Prefetch: "none", Capacity: capacity, Service: steady})
				require.NoError(t, err)
				require.Equal(t, misses, r.Misses)
				require.EqualValues(t, len(items), r.Requests)
			})
		})
	}
}

// tried is every prefetcher.
var tried = []string{"none", "fixed:2", "automq:2024", "linux", "chunk:4MiB", "rate"}

// TestAccounts: whatever the trace, the accounts agree with each other, and a
// replay comes out the same twice.
func TestAccounts(t *testing.T) {
	require.Len(t, tried, len(prefetch.Names()))
	rapid.Check(t, func(t *rapid.T) {
		spec := fmt.Sprintf("log?streams=%d&rate=8MiB/s&backlog=%dMiB&duration=3s&groups=%d&catchup=2&lag=500ms&seed=%d",
			rapid.IntRange(1, 4).Draw(t, "streams"), rapid.IntRange(0, 64).Draw(t, "backlog"),
			rapid.IntRange(0, 3).Draw(t, "groups"), rapid.IntRange(0, 1000).Draw(t, "seed"))
		c := catalog(t, spec)
		cfg := timed.Config{
			Policy: rapid.SampledFrom(policy.Names()).Draw(t, "policy"), Prefetch: rapid.SampledFrom(tried).Draw(t, "prefetch"),
			Capacity: rapid.Int64Range(1, 64).Draw(t, "capacity") * mib, Service: steady, MaxLoads: rapid.IntRange(1, 4).Draw(t, "loads"),
			MaxHeld: rapid.SampledFrom([]int{1, 10, 100000}).Draw(t, "held"),
		}
		r, err := timed.Run(c, made(t, spec), cfg)
		require.NoError(t, err)
		again, err := timed.Run(c, made(t, spec), cfg)
		require.NoError(t, err)
		require.Equal(t, r, again)
		check(t, c, r, cfg)
	})
}

func check(t *rapid.T, c *timed.Catalog, r *timed.Result, cfg timed.Config) {
	require.LessOrEqual(t, r.Misses, r.Requests)
	require.LessOrEqual(t, r.GETs, r.Misses+r.Prefetched)
	require.LessOrEqual(t, r.Used+r.Wasted, r.Prefetched)
	require.LessOrEqual(t, r.Late, r.Used)
	require.GreaterOrEqual(t, r.Fetched, r.MissedBytes)
	if cfg.Prefetch == "none" {
		require.Zero(t, r.Prefetched+r.MissesAlone+r.Covered+r.Polluted)
	} else {
		require.Equal(t, r.MissesAlone-r.Covered, r.Misses-r.Polluted, "misses of both")
	}
	require.GreaterOrEqual(t, r.Misses+r.Prefetched, c.Blocks(), "each block was got at least once")
}

func TestRefused(t *testing.T) {
	err := timed.Config{Policy: "x", Prefetch: "y", Capacity: -1, MaxLoads: -1, MaxPrefetch: -1, MaxGet: -1, Ahead: -1, MaxHeld: -1}.Validate()
	for _, want := range []string{`policy "x"`, `prefetcher "y"`, "capacity of -1", "GETs for readers", "GETs ahead", "bytes of a GET", "bytes ahead", "held"} {
		require.ErrorContains(t, err, want)
	}
	c, err := timed.NewCatalog(&tape{})
	require.NoError(t, err)
	_, err = timed.Run(c, &tape{items: []trace.Access{{Kind: trace.Miss, Size: 1}}}, timed.Config{Policy: "lru", Prefetch: "none", Capacity: 1})
	require.ErrorContains(t, err, "not in the catalog")
	r, err := timed.Run(c, &tape{}, timed.Config{Policy: "lru", Prefetch: "none", Capacity: 1})
	require.NoError(t, err)
	require.Zero(t, r.Figures())
}

// TestThrottled: what is answered 503 is asked for again, and paid for once.
func TestThrottled(t *testing.T) {
	s := steady
	s.SlowDown = 0.5
	c := catalog(t, smallLog)
	r, err := timed.Run(c, made(t, smallLog), timed.Config{Policy: "lru", Prefetch: "none", Capacity: 64 * mib, Service: s, Seed: 3})
	require.NoError(t, err)
	require.InEpsilon(t, r.GETs, r.Throttled, 0.2)
	require.LessOrEqual(t, r.GETs, r.Misses)
}

const smallLog = "log?streams=3&rate=8MiB/s&backlog=32MiB&duration=10s&groups=2&catchup=2&lag=1s"
