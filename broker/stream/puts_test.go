package stream

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/iopath/mem"
)

// TestPutsPerByte: what an upload costs in requests, at a sixty-fourth of the
// default sizes: threshold 1 MiB for 64, split 128 KiB for 8 MiB. The aim is one
// PUT for 16 MiB, so one for 256 KiB here.
//
//	partitions     objects of a full block of 64 MiB
//	1              one stream object
//	4              four stream objects of 16 MiB
//	4, and a trickle of committed offsets: three, and the fourth in the stream-set object with it
//	6              six stream objects of 10.7 MiB: the rule of formats.md, and more than the aim
//	1000           one stream-set object
func TestPutsPerByte(t *testing.T) {
	const perPut = 256 << 10
	for _, tc := range []struct {
		partitions int
		trickle    bool // a few bytes a block to one stream more
		most       int  // puts for each perPut bytes
	}{
		{1, false, 1},
		{1, true, 1},
		{2, true, 1},
		{4, false, 1},
		{4, true, 1},
		{6, false, 2},
		{1000, false, 1},
	} {
		t.Run(fmt.Sprintf("partitions=%d,trickle=%v", tc.partitions, tc.trickle), func(t *testing.T) {
			streams := tc.partitions
			if tc.trickle {
				streams++
			}
			r := newRig(t, int32(streams))
			r.device = mem.NewDevice(64 << 20) // never half full: that would seal early
			counted := objstore.Counted(r.store)
			r.store = counted
			r.tune = func(c *Config) {
				c.UploadThreshold, c.Upload.Split, c.Upload.BlockSize = 1<<20, 128<<10, 16<<10
				c.Cache = bigCache(t, 4<<20)
			}
			l := r.open()
			defer l.end()
			var payload int64
			for round := 0; payload < 6<<20; round++ {
				s := l.stream(round % tc.partitions)
				l.mustAdd(s, 1, 1000)
				payload += 1000
				if tc.trickle && round%100 == 0 {
					l.mustAdd(l.stream(tc.partitions), 1, 100)
				}
			}
			require.NoError(t, l.uploader.Drain(t.Context()))
			put := counted.Stats(objstore.OpPut)
			require.GreaterOrEqual(t, put.Bytes, int64(5<<20), "full blocks only; the rest is not sealed")
			require.LessOrEqual(t, put.Requests*perPut, int64(tc.most)*put.Bytes, "%d puts for %d bytes", put.Requests, put.Bytes)
			if tc.most == 2 {
				require.Greater(t, put.Requests*perPut, put.Bytes, "the rule makes as many")
			}
		})
	}
}
