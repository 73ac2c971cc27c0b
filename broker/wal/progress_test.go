package wal

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/tidelog/tide/iopath/mem"
	volume "github.com/tidelog/tide/iopath/model"
)

// progressCase is a log on a modelled device, and a load.
type progressCase struct {
	pathDepth, depth, soft, appenders, each int
	linger, tick                            time.Duration
	noPace                                  bool
	volume                                  volume.Volume
	gap                                     time.Duration // between two appends of one, at most
	seed                                    uint64
}

func drawProgress(t *rapid.T) progressCase {
	c := progressCase{
		pathDepth: rapid.IntRange(1, 4).Draw(t, "pathDepth"), depth: rapid.IntRange(0, 4).Draw(t, "depth"),
		soft:      rapid.SampledFrom([]int{1, 4096, 8192, 32 << 10}).Draw(t, "soft"),
		appenders: rapid.IntRange(1, 6).Draw(t, "appenders"), each: rapid.IntRange(1, 20).Draw(t, "each"),
		volume: volume.Volume{
			IOPS:  rapid.SampledFrom([]int64{0, 200, 1000, 20_000}).Draw(t, "iops"),
			Burst: rapid.SampledFrom([]time.Duration{0, 10 * time.Millisecond}).Draw(t, "burst"),
			P50:   rapid.SampledFrom([]time.Duration{0, 50 * time.Microsecond, 2 * time.Millisecond}).Draw(t, "service"),
		},
		gap:  rapid.SampledFrom([]time.Duration{0, 100 * time.Microsecond, 5 * time.Millisecond}).Draw(t, "gap"),
		seed: rapid.Uint64().Draw(t, "seed"),
	}
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		c.linger = 700 * time.Microsecond
	case 1:
		c.tick = 300 * time.Microsecond
	case 2:
		c.noPace = true
	}
	return c
}

// Whatever the device and the settings, everything that was appended becomes
// durable by itself, without another append and without Drain; and Close ends
// everything, soon, also in the middle of a load.
func TestEverythingBecomesDurable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, early := drawProgress(rt), rapid.Bool().Draw(rt, "closeEarly")
		synctest.Test(t, func(t *testing.T) { c.run(t, early) })
	})
}

// patience is longer than the slowest device takes for all records one by one.
const patience = 5 * time.Second

func (c progressCase) run(t *testing.T, closeEarly bool) {
	w, s, room, closePath := c.open(t)
	require.NoError(t, w.Reset(context.Background(), 1))
	var load sync.WaitGroup
	for a := range c.appenders {
		load.Go(func() { c.load(w, room, rand.New(rand.NewPCG(c.seed, uint64(a)))) })
	}
	if closeEarly {
		time.Sleep(3 * time.Millisecond)
	} else {
		load.Wait()
		time.Sleep(patience)
		synctest.Wait()
		end, err := s.state()
		require.NoError(t, err)
		stats := w.Stats()
		require.Equal(t, stats.Next, stats.Durable, "%+v", c)
		require.Equal(t, stats.Next, end, "told of all: %+v", c)
		require.EqualValues(t, c.appenders*c.each, stats.Records)
	}
	begin := time.Now()
	require.NoError(t, w.Close(context.Background(), false))
	require.Less(t, time.Since(begin), patience)
	load.Wait()
	stats := w.Stats()
	require.Equal(t, stats.Next, stats.Durable)
	closePath()
}

func (c progressCase) open(t *testing.T) (*WAL, *sink, *room, func()) {
	inner, err := mem.Open(mem.Config{Capacity: 256 << 10, ArenaSize: 256 << 10, Depth: c.pathDepth})
	require.NoError(t, err)
	p, err := volume.Wrap(inner, volume.Config{Volume: c.volume, Seed: 1, Clock: volume.NewTimerClock()})
	require.NoError(t, err)
	var w *WAL
	s, room := newSink(), &room{freed: make(chan struct{})}
	w, _ = openPath(t, p, func(cfg *Config) {
		cfg.Depth, cfg.BlockSoft, cfg.BlockHard = c.depth, c.soft, 32<<10
		cfg.Linger, cfg.Tick, cfg.NoPace = c.linger, c.tick, c.noPace
		cfg.WindowInitial, cfg.WindowStep = 8192, 8192
		cfg.OnSpace = room.onSpace
		cfg.OnDurable = func(end Offset, err error) {
			s.durable(end, err)
			w.mu.Lock()
			last := min(w.lastLive, end-1)
			w.mu.Unlock()
			_ = w.Trim(last) // refused while closing
		}
	})
	w.linger.sleep = time.Sleep // virtual
	return w, s, room, func() { require.NoError(t, p.Close()) }
}

// room wakes all who wait for space.
type room struct {
	mu    sync.Mutex
	freed chan struct{} // closed by the next OnSpace; guarded by mu
}

func (r *room) next() chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.freed
}

func (r *room) onSpace() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.freed)
	r.freed = make(chan struct{})
}

// load appends until it is done, or the log closes.
func (c progressCase) load(w *WAL, room *room, r *rand.Rand) {
	for n := 0; n < c.each; {
		freed := room.next()
		slot, err := w.Reserve(r.IntN(12_000))
		switch {
		case errors.Is(err, ErrFull):
			select {
			case <-freed:
			case <-time.After(patience):
				panic("nobody told of space")
			}
			continue
		case err != nil:
			return
		}
		if r.IntN(8) == 0 {
			time.Sleep(c.gap / 2) // a late Fill
		}
		slot.Fill(nil, make([]byte, slot.size-recordHeaderLength))
		w.Commit()
		if n++; c.gap > 0 {
			time.Sleep(time.Duration(r.Int64N(int64(c.gap))))
		}
	}
}
