package replay_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/replay"
)

// zipf draws numbers below n, of which the k-th (from 1) comes with a frequency
// of 1/k: Zipf 1.0, which math/rand's generator cannot do.
type zipf struct {
	rand *rand.Rand
	sums []float64
}

func newZipf(seed uint64, n int) zipf {
	z := zipf{rand.New(rand.NewPCG(seed, 1)), make([]float64, n)}
	sum := 0.0
	for i := range z.sums {
		sum += 1 / float64(i+1)
		z.sums[i] = sum
	}
	return z
}

func (z zipf) draw() int64 {
	i, _ := slices.BinarySearch(z.sums, z.rand.Float64()*z.sums[len(z.sums)-1])
	return int64(i)
}

// benchTrace is 10 M requests for 1 M objects by Zipf 1.0, as oracleGeneral.
// The ids are spread, so that hot objects do not lie side by side.
var benchTrace = sync.OnceValue(func() []byte {
	const objects, requests = 1_000_000, 10_000_000
	z := newZipf(1, objects)
	b := make([]byte, 0, 24*requests)
	for i := range requests {
		b = binary.LittleEndian.AppendUint32(b, uint32(i/100_000))
		b = binary.LittleEndian.AppendUint64(b, uint64(z.draw())*0x9e3779b97f4a7c15)
		b = binary.LittleEndian.AppendUint32(b, 1)
		b = binary.LittleEndian.AppendUint64(b, 1<<63)
	}
	return b
})

// BenchmarkSim simulates a cache of a tenth of the objects: decoding and policy
// on one goroutine each. With -cpu 1 that is one core.
func BenchmarkSim(b *testing.B) {
	for _, name := range policy.Names() {
		b.Run("policy="+name, func(b *testing.B) {
			trace := benchTrace()
			for b.Loop() {
				src, err := replay.Decode(bytes.NewReader(trace), "oracleGeneral")
				require.NoError(b, err)
				rows, err := replay.Simulate(b.Context(), src, "zipf", []replay.Cell{{Policy: name, Size: 100_000, Unit: replay.Objects}}, replay.Footprint{})
				require.NoError(b, err)
				b.ReportMetric(rows[0].MissRatio, "miss-ratio")
			}
			n := float64(len(trace)/24) * float64(b.N)
			b.ReportMetric(n/b.Elapsed().Seconds()/1e6, "Mreq/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
