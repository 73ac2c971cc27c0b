package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/stream"
)

// steady is a partition that costs about what a real one does, but for its
// records: positions are atomics, waiters a set.
type steady struct {
	fakePartition
	end     atomic.Int64
	watch   sync.Mutex
	set     map[*stream.Waiter]struct{}
	records []byte
}

func (p *steady) Gone() error             { return nil }
func (p *steady) HighWatermark() int64    { return p.end.Load() }
func (p *steady) LastStableOffset() int64 { return p.end.Load() }
func (p *steady) LogStartOffset() int64   { return 0 }

func (p *steady) FetchFor(_ context.Context, w stream.Want) (*stream.Read, error) {
	if w.Offset == p.end.Load() {
		return &stream.Read{Next: w.Offset}, nil
	}
	return &stream.Read{Next: w.Offset + 1, Buffers: [][]byte{p.records}, Bytes: len(p.records)}, nil
}

func (p *steady) Watch(w *stream.Waiter) {
	p.watch.Lock()
	defer p.watch.Unlock()
	if p.set == nil {
		p.set = make(map[*stream.Waiter]struct{})
	}
	p.set[w] = struct{}{}
}

func (p *steady) Unwatch(w *stream.Waiter) {
	p.watch.Lock()
	defer p.watch.Unlock()
	delete(p.set, w)
}

// put appends one record.
func (p *steady) put() int64 {
	end := p.end.Add(1)
	p.watch.Lock()
	defer p.watch.Unlock()
	for w := range p.set {
		w.Signal()
	}
	return end
}

type steadies struct {
	*fakeBroker
	parts []steady
}

func (s *steadies) Get(_ string, index int32) (Partition, error) { return &s.parts[index], nil }

// offsetMark stands in a frame where the offset of partition 0 goes.
const offsetMark = 0x1122334455667788

// steadyFetch returns a function that appends one record to one of n
// partitions and then fetches it, in a session or with full requests.
func steadyFetch(tb testing.TB, n int, inSession bool) func() {
	b := newFakeBroker()
	cfg := b.config(nil)
	cfg.Logger = slog.New(slog.DiscardHandler)
	all := &steadies{b, make([]steady, n)}
	cfg.Partitions = all
	srv, err := New(cfg)
	require.NoError(tb, err)
	c := newConn(srv, &script{in: bytes.NewReader(nil)})
	indexes := make([]int32, n)
	for i := range indexes {
		indexes[i], all.parts[i].records = int32(i), batch(100)
	}
	req := fetch(12, "topic", indexes...)
	serve := func(frame []byte) {
		if err := c.dispatch(frame[lengthSize:]); err != nil {
			tb.Fatal(err)
		}
		c.flush()
	}
	req.SessionEpoch = noSession
	if inSession {
		req.SessionEpoch = wantsSession
		serve(frameOf(req, 1))
		req.Topics[0].Partitions = req.Topics[0].Partitions[:1]
		req.SessionID, req.SessionEpoch = 1, 1
	}
	req.Topics[0].Partitions[0].FetchOffset = offsetMark
	frame := frameOf(req, 1)
	at := bytes.Index(frame, binary.BigEndian.AppendUint64(nil, offsetMark))
	part := &all.parts[0]
	return func() {
		binary.BigEndian.PutUint64(frame[at:], uint64(part.put()-1))
		if inSession {
			c.session.epoch = 1
		}
		serve(frame)
	}
}

// BenchmarkFetchOneOfMany is a request when one partition of many has a new
// record.
func BenchmarkFetchOneOfMany(b *testing.B) {
	for _, session := range []string{"no", "yes"} {
		for _, n := range []int{10, 1000, 10_000} {
			b.Run(fmt.Sprintf("session=%s/partitions=%d", session, n), func(b *testing.B) {
				serve := steadyFetch(b, n, session == "yes")
				b.ReportAllocs()
				for b.Loop() {
					serve()
				}
			})
		}
	}
}
