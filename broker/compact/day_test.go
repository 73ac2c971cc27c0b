package compact

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/meta"
	"github.com/tidelog/tide/broker/object"
)

// TestDay runs a day of uploads and the compactor's own policy under a virtual
// clock, and holds it to what the design promises:
//
//	objects older than an hour    at most one per 256 MiB and stream
//	cold scan of those            at most 1.1 GETs per 4 MiB
//	objects in all                bounded by the bytes, not by the uploads
//
// Every size is divided by scale, the 256 MiB of the target, the 1 MiB of a
// block and the 64 MiB of an upload alike; times are not. The 79 bytes that a
// batch, a block and an index entry take besides are not scaled either, and are
// not counted. A scan reads neighbouring blocks with one GET until it has 4 MiB,
// and each index once. Where a stream's share of an object is but a few MiB, as
// with 1,000 streams, it has to read 8 MiB at a time.
func TestDay(t *testing.T) {
	for _, d := range []day{
		{name: "1 partition, 16 MiB/s", streams: 1, rate: 16 << 20, every: 4 * time.Second, scale: 4096, batch: 1 << 20, most: 4},
		{name: "1 partition, 20 KiB/s", streams: 1, rate: 20 << 10, every: 30 * time.Second, scale: 512, batch: 600 << 10, most: 95},
		{name: "4 partitions, 1 MiB/s", streams: 4, rate: 1 << 20, every: 30 * time.Second, scale: 2048, batch: 1 << 20, most: 95},
		{name: "1000 partitions, 2 MiB/s", streams: 1000, rate: 2 << 20, every: 30 * time.Second, scale: 512, batch: 62914, read: 8 << 20, most: 120},
	} {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			d.run(t)
		})
	}
}

type day struct {
	name    string
	streams int
	rate    int64 // bytes a second, all streams together
	every   time.Duration
	scale   int64
	batch   int64 // bytes of one record batch
	read    int64 // bytes that the scan which is judged reads at a time; 0: 4 MiB
	most    int   // objects beyond bytes ÷ target at any time
}

const split = 8 << 20 // a stream with as much in one upload gets an object of its own

func (d day) run(t *testing.T) {
	w := newWorld(t, d.streams, func(c *Config) {
		c.Target, c.GroupBytes, c.Window = 256<<20/d.scale, int(1<<20/d.scale)+79, int(1<<20/d.scale)
	})
	c := w.compactor()
	perStream := d.rate * int64(d.every/time.Second) / int64(d.streams)
	batches := int(max(1, (perStream+d.batch/2)/d.batch))
	size := int(perStream / int64(batches) / d.scale)
	uploaded, most := int64(0), 0
	for at := time.Duration(0); at < dayLength; at += d.every {
		w.now = w.now.Add(d.every)
		w.upload(every(w, batches), size, split/d.scale)
		uploaded += int64(batches*size) * int64(d.streams)
		if (at+d.every)%time.Minute == 0 {
			require.NoError(t, c.Round(ctx, false))
			most = max(most, len(w.Objects(meta.Committed))-int(uploaded/w.cfg.Target))
			w.forget()
		}
		if (at+d.every)%(2*time.Hour) == 0 {
			d.judge(t, w, at+d.every, false)
		}
	}
	w.check()
	d.judge(t, w, dayLength, true)
	st := c.Stats()
	written := float64(st.BytesWritten) / float64(stored(w))
	t.Logf("write amplification of compaction %.2f (bytes written by it ÷ bytes stored), %d merges; at most %d objects beyond bytes ÷ target",
		written, st.Jobs, most)
	require.LessOrEqual(t, most, d.most, "objects in all")
	require.Zero(t, st.Failed)
}

// forget deletes what is destroyed, as the cleaner does.
func (w *world) forget() {
	var ids []int64
	for _, o := range w.Objects(meta.Destroyed) {
		require.NoError(w.t, w.store.Delete(ctx, object.Key("DEFAULT", o.ID)))
		ids = append(ids, o.ID)
	}
	w.must(meta.ForgetObjects{IDs: ids})
}

// stored is the bytes of all objects that there are.
func stored(w *world) (n int64) {
	for _, o := range w.Objects(meta.Committed) {
		n += o.Size
	}
	return n
}

// judge checks the objects all of whose records are older than an hour.
func (d day) judge(t *testing.T, w *world, at time.Duration, last bool) {
	limit := w.now.Add(-time.Hour).UnixMilli()
	newest := make(map[int64]int64)
	for _, s := range w.Streams() {
		for _, r := range s.Ranges {
			newest[r.ObjectID] = max(newest[r.ObjectID], r.MaxTimestamp)
		}
	}
	objects, bytes, allowed := 0, int64(0), 0.0
	for _, ts := range newest {
		if ts < limit {
			objects++
		}
	}
	for _, s := range w.Streams() {
		own := int64(0)
		for _, r := range s.Ranges {
			if newest[r.ObjectID] < limit {
				own += r.Bytes
			}
		}
		bytes += own
		allowed += math.Ceil(float64(own) / float64(w.cfg.Target))
	}
	require.LessOrEqual(t, float64(objects), allowed, "after %v: %d bytes older than an hour", at, bytes)
	if !last {
		return
	}
	require.Positive(t, bytes)
	units := float64(bytes) / float64(4<<20/d.scale)
	by4, by8 := float64(d.scan(w, newest, limit, 4<<20))/units, float64(d.scan(w, newest, limit, 8<<20))/units
	t.Logf("after %v: %d objects of %.1f × 256 MiB older than an hour (allowed %.0f), %d objects in all; a cold scan takes %.3f GETs per 4 MiB (%.3f with GETs of 8 MiB)",
		at, objects, float64(bytes)/float64(w.cfg.Target), allowed, len(newest), by4, by8)
	if d.read == 8<<20 {
		by4 = by8
	}
	require.LessOrEqual(t, by4, 1.1)
}

// scan counts the GETs of reading all streams one after the other.
func (d day) scan(w *world, newest map[int64]int64, limit, size int64) (gets int64) {
	indexes := make(map[int64]object.Index)
	for _, s := range w.Streams() {
		for i, r := range s.Ranges {
			if newest[r.ObjectID] >= limit || i > 0 && s.Ranges[i-1].ObjectID == r.ObjectID {
				continue
			}
			x, ok := indexes[r.ObjectID]
			if !ok {
				o, _ := w.Object(r.ObjectID)
				x = w.readIndex(o)
				indexes[r.ObjectID] = x
				gets++
			}
			gets += reads(x, s.ID, r.Start, size/d.scale)
		}
	}
	return gets
}

// reads is the GETs for what an object has of a stream from an offset on.
func reads(x object.Index, stream, from, size int64) (gets int64) {
	i, _ := x.Find(stream, from)
	got, end := size, int64(-1)
	for ; i < len(x) && x[i].StreamID == stream; i++ {
		if got >= size || x[i].Position != end {
			gets++
			got = 0
		}
		got += int64(x[i].Size)
		end = x[i].Position + int64(x[i].Size)
	}
	return gets
}
