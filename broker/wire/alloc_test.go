//go:build !race

// The race detector makes sync.Pool forget on purpose, so that counts of
// allocations mean nothing with it.

package wire

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/partition"
	"github.com/tidelog/tide/broker/stream"
)

// instant is a partition whose appends are durable at once and whose reads
// cost nothing, to see what this package costs alone.
type instant struct {
	fakePartition
	read stream.Read
}

func (p *instant) Append(_ context.Context, _ []byte, done func(partition.AppendResult)) error {
	done(partition.AppendResult{})
	return nil
}

func (p *instant) FetchFor(context.Context, stream.Want) (*stream.Read, error) {
	return &p.read, nil
}

type onePartition struct {
	*fakeBroker
	part Partition
}

func (o onePartition) Get(string, int32) (Partition, error) { return o.part, nil }

// dispatcher returns a function that serves one frame on a connection whose
// output goes nowhere.
func dispatcher(tb testing.TB, frame []byte) func() {
	b := newFakeBroker()
	cfg := b.config(nil)
	cfg.Logger = slog.New(slog.DiscardHandler)
	records := batch(100)
	part := &instant{}
	part.high = 1
	part.read = stream.Read{Buffers: [][]byte{records}, Bytes: len(records)}
	cfg.Partitions = onePartition{b, part}
	srv, err := New(cfg)
	require.NoError(tb, err)
	c := newConn(srv, &script{in: bytes.NewReader(nil)})
	return func() {
		if err := c.dispatch(frame[lengthSize:]); err != nil {
			tb.Fatal(err)
		}
		c.commit()
		c.flush()
	}
}

func TestHotKeysAllocateLittle(t *testing.T) {
	serve := dispatcher(t, frameOf(produce(9, -1, "topic", 0, batch(100)), 1))
	require.LessOrEqual(t, testing.AllocsPerRun(1000, serve), 2.0, "Produce")
	req := fetch(12, "topic", 0)
	req.MinBytes = 0
	serve = dispatcher(t, frameOf(req, 1))
	require.LessOrEqual(t, testing.AllocsPerRun(1000, serve), 2.0, "Fetch")
	// A read of steady's is two allocations.
	for _, n := range []int{1, 1000} {
		require.LessOrEqual(t, testing.AllocsPerRun(1000, steadyFetch(t, n, true)), 3.0, "Fetch of a session of %d", n)
	}
}

func BenchmarkServe(b *testing.B) {
	req := fetch(12, "topic", 0)
	req.MinBytes = 0
	for name, frame := range map[string][]byte{
		"key=Produce": frameOf(produce(9, -1, "topic", 0, batch(1000)), 1),
		"key=Fetch":   frameOf(req, 1),
	} {
		b.Run(name, func(b *testing.B) {
			serve := dispatcher(b, frame)
			b.ReportAllocs()
			for b.Loop() {
				serve()
			}
		})
	}
}
