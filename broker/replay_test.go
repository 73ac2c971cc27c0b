package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/blockcache"
	"github.com/tidelog/tide/broker/object"
	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/fault"
	memstore "github.com/tidelog/tide/broker/objstore/mem"
	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/cacheexp/timed"
	"github.com/tidelog/tide/cacheexp/trace"
)

// Options must not change answers, and a replay must not either. Two ways are
// held against the block cache that is live in a broker: its own recording, told
// to the same policy again, and the simulator, given nothing but what readers
// asked for.

// tape is a Recorder, guarded by the cache's lock, and later a Source.
type tape struct {
	items []trace.Access
	at    int
}

func (p *tape) Record(a trace.Access) { p.items = append(p.items, a) }

func (p *tape) Next() (trace.Access, error) {
	if p.at == len(p.items) {
		return trace.Access{}, io.EOF
	}
	p.at++
	return p.items[p.at-1], nil
}

func (p *tape) count(kind trace.Kind) (n int64) {
	for _, a := range p.items {
		if a.Kind == kind {
			n++
		}
	}
	return n
}

// shelf is a store with objects that hold the same streams, one after the other.
type shelf struct {
	store  objstore.Store
	fault  *fault.Store
	refs   []blockcache.ObjectRef
	blocks [][]candidate // by stream, in order
}

type candidate struct {
	object int // in refs
	entry  object.IndexEntry
}

func newShelf(t require.TestingT, objects, streams, blocks int) *shelf {
	s := &shelf{fault: fault.Wrap(memstore.New()), blocks: make([][]candidate, streams)}
	s.store = s.fault
	for id := range objects {
		w := object.NewWriter(1)
		for stream := range streams {
			for b := range blocks {
				require.NoError(t, w.Add(object.AppendBatch(nil, object.RecordBatch{
					StreamID: int64(stream + 1), BaseOffset: int64(id*blocks+b) * 10, Count: 10,
					Payload: bytes.Repeat([]byte{byte(b)}, 1000+3000*((b+stream)%5)),
				})))
			}
		}
		l, err := w.Finish()
		require.NoError(t, err)
		key := object.Key("test", int64(id))
		require.NoError(t, s.store.Put(context.Background(), key, l.Body))
		s.refs = append(s.refs, blockcache.ObjectRef{ID: int64(id), Key: key, Size: l.Size, IndexPosition: l.IndexPosition, IndexLength: l.IndexLength})
		for _, e := range l.Entries {
			s.blocks[e.StreamID-1] = append(s.blocks[e.StreamID-1], candidate{id, e})
		}
	}
	return s
}

func (s *shelf) request(stream, n int, reader uint64) blockcache.Request {
	b := s.blocks[stream][n]
	return blockcache.Request{Object: s.refs[b.object], Entry: b.entry, Reader: reader, Following: s.refs[b.object+1:]}
}

func (s *shelf) open(t *testing.T, policyName, prefetcher string, cfg blockcache.Config) *blockcache.Cache {
	var err error
	cfg.Prefetch, err = prefetch.New(prefetcher)
	require.NoError(t, err)
	cfg.Policy = func(capacity int64) policy.Policy {
		p, err := policy.New(policyName, capacity)
		require.NoError(t, err)
		return p
	}
	cfg.Store = s.store
	c, err := blockcache.New(cfg)
	require.NoError(t, err)
	return c
}

var prefetchers = []string{"none", "fixed:2", "automq:2024", "linux", "chunk:64KiB", "rate"}

// TestRecordingReplays: whatever readers do, and hold, and give up, and whatever
// fails, the policy told again what it was told does the same again: not one
// difference in any hit, miss or block that had to go.
func TestRecordingReplays(t *testing.T) {
	require.Len(t, prefetchers, len(prefetch.Names()))
	for _, name := range policy.Names() {
		for i, ahead := range prefetchers {
			t.Run(name+"/"+ahead, func(t *testing.T) {
				const size = 160 << 10
				s := newShelf(t, 6, 3, 8)
				var p tape
				c := s.open(t, name, ahead, blockcache.Config{Size: size, PinnedSize: 32 << 10, MaxLoads: 2, Recorder: &p})
				for n := range 20 {
					s.fault.Set(fault.Rule{Op: objstore.OpGet, From: 20 + 9*n, Count: 1, Err: fault.ErrInjected})
				}
				var wg sync.WaitGroup
				for reader := range 6 {
					wg.Go(func() { s.wander(t, c, uint64(reader+1), uint64(i)) })
				}
				wg.Wait()
				c.Close()
				live := c.Stats()
				r, err := timed.Recorded(&p, name, size)
				require.NoError(t, err)
				require.Zero(t, r.Differences, r.First)
				require.Equal(t, live.Misses, r.Misses-r.Rescues)
				require.Equal(t, live.Hits, r.Hits+r.Rescues)
				require.Equal(t, live.PrefetchedBlocks, r.Inserted)
				if name == "lru" { // another policy does not pass for it
					p.at = 0
					r, err = timed.Recorded(&p, "fifo", size)
					require.NoError(t, err)
					require.Positive(t, r.Differences)
				}
			})
		}
	}
}

// wander walks and jumps through streams, holds what it reads for a while, and
// gives some requests up.
func (s *shelf) wander(t *testing.T, c *blockcache.Cache, reader, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, reader))
	stream, n := rng.IntN(len(s.blocks)), 0
	var held []*blockcache.Block
	for range 400 {
		if n++; n >= len(s.blocks[stream]) || rng.IntN(10) == 0 {
			stream = rng.IntN(len(s.blocks))
			n = rng.IntN(len(s.blocks[stream]))
		}
		r := s.request(stream, n, reader)
		r.NoWait, r.Begin = len(held) > 0, rng.IntN(4) == 0
		if _, err := c.TryIndex(r.Object); err != nil {
			require.True(t, errors.Is(err, blockcache.ErrLoading) || errors.Is(err, fault.ErrInjected), err)
		}
		if b, err := c.Get(t.Context(), r); err == nil {
			if held = append(held, b); rng.IntN(2) == 0 {
				b.Finish()
			}
		}
		if len(held) > rng.IntN(4) {
			for _, b := range held {
				b.Release()
			}
			held = nil
		}
	}
	for _, b := range held {
		b.Release()
	}
}

// TestSimulatorAgrees: where loads take no time the simulator, which knows only
// what readers ask for, has the broker's hits, misses, GETs and reads ahead, one
// for one: policies, prefetchers, the queue and what is dropped are the same.
func TestSimulatorAgrees(t *testing.T) {
	for _, name := range policy.Names() {
		for _, ahead := range prefetchers {
			t.Run(name+"/"+ahead, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { agree(t, name, ahead) })
			})
		}
	}
}

func agree(t *testing.T, name, ahead string) {
	const size = 160 << 10
	s := newShelf(t, 6, 3, 8)
	now := int64(1)
	var p tape
	cfg := blockcache.Config{Size: size, PinnedSize: 8 * size, Recorder: &p, Clock: func() int64 { return now }}
	c := s.open(t, name, ahead, cfg)
	for _, ref := range s.refs {
		_, err := c.Index(t.Context(), ref)
		require.NoError(t, err)
	}
	for _, r := range walks(s) {
		b, err := c.Get(t.Context(), r)
		require.NoError(t, err)
		b.Release()
		synctest.Wait() // all loads have ended
		now += 1e6
	}
	c.Close()
	live := c.Stats()

	known := tape{}
	for _, blocks := range s.blocks {
		for _, b := range blocks {
			e := b.entry
			known.Record(trace.Access{
				Kind: trace.Prefetch, Size: e.Size, Stream: e.StreamID, Object: int64(b.object), Position: e.Position,
				Start: e.StartOffset, End: e.EndOffset(), Pages: (e.Size + trace.PageSize - 1) / trace.PageSize,
			})
		}
	}
	catalog, err := timed.NewCatalog(&known)
	require.NoError(t, err)
	r, err := timed.Run(catalog, &p, timed.Config{Policy: name, Prefetch: ahead, Capacity: size, Slots: true})
	require.NoError(t, err)
	require.Equal(t, live.Hits, r.Requests-r.Misses)
	require.Equal(t, live.Misses, r.Misses)
	require.Equal(t, live.Loads+live.Prefetches, r.GETs)
	require.Equal(t, live.LoadedBytes, r.Fetched)
	require.Equal(t, live.PrefetchedBlocks, r.Prefetched)
	require.Equal(t, live.PrefetchUsed, r.Used)
	require.Equal(t, live.PrefetchDropped, r.Dropped)
	require.Equal(t, p.count(trace.Prefetch), r.Prefetched)
	if ahead != "none" {
		require.Positive(t, r.Used, "nothing was read ahead")
	}
}

// walks are requests of readers that interleave: two walk, one jumps.
func walks(s *shelf) (out []blockcache.Request) {
	rng := rand.New(rand.NewPCG(1, 2))
	places := []int{0, 20, 5}
	for range 300 {
		reader := rng.IntN(len(places))
		stream := reader % len(s.blocks)
		if places[reader]++; reader == 2 && rng.IntN(3) == 0 {
			places[reader] = rng.IntN(len(s.blocks[stream]))
		}
		places[reader] %= len(s.blocks[stream])
		out = append(out, s.request(stream, places[reader], uint64(reader+1)))
	}
	return out
}

// TestLiveRunReplays is the same of a whole broker: what its --trace file holds
// gives the hits that the run had, for every policy and prefetcher.
func TestLiveRunReplays(t *testing.T) {
	for i, name := range policy.Names() {
		ahead := prefetchers[i%len(prefetchers)]
		t.Run(name+"/"+ahead, func(t *testing.T) {
			cfg := small(t)
			cfg.Policy, cfg.Prefetch, cfg.ObjectBlock = name, ahead, 4096
			r := start(t, cfg)
			for n := range 8 {
				r.produce(t, "traced", n*100, n*100+100)
			}
			require.NoError(t, r.stop()) // and with that everything is in objects
			cfg.Trace = filepath.Join(t.TempDir(), "trace")
			r = start(t, cfg)
			r.consume(t, "traced", 800)
			r.consume(t, "traced", 800)
			live := r.blocks.Stats()
			require.NoError(t, r.stop())

			f, err := os.Open(cfg.Trace)
			require.NoError(t, err)
			defer f.Close()
			in, err := trace.NewReader(f)
			require.NoError(t, err)
			got, err := timed.Recorded(in, name, r.cfg.BlockCache)
			require.NoError(t, err)
			require.Zero(t, in.Lost())
			require.Zero(t, got.Differences, got.First)
			require.Equal(t, fmt.Sprint(live.Hits, live.Misses), fmt.Sprint(got.Hits+got.Rescues, got.Misses-got.Rescues))
			require.Positive(t, got.Hits+got.Misses)
		})
	}
}
