package load

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tidelog/tide/results"
)

// BenchmarkGenerator is the generator against a server that throws records away,
// both on this machine's cores. One op is one record, stamped, sent and
// acknowledged.
//
//	go test -run '^$' -bench Generator -benchtime 5s ./workloads/load
//
// closed is how much goes; open is how late the generator is by itself, which is
// the µs that a broker's percentiles cannot be trusted to.
func BenchmarkGenerator(b *testing.B) {
	for _, value := range []int{100, 1024, 4096} {
		b.Run(fmt.Sprintf("loop=closed/value=%d", value), func(b *testing.B) {
			generate(b, Config{Closed: true, MaxRecords: int64(b.N), ValueSize: value})
		})
	}
	b.Run("loop=closed/value=1024/producers=2000/clients=20", func(b *testing.B) {
		generate(b, Config{Closed: true, MaxRecords: int64(b.N), Producers: 2000, Clients: 20})
	})
	for _, rate := range []int64{2000, 10_000, 50_000} {
		b.Run(fmt.Sprintf("loop=open/value=1024/rate=%d", rate), func(b *testing.B) {
			generate(b, Config{Rate: rate})
		})
	}
}

func generate(b *testing.B, c Config) {
	server := newDiscard(b)
	c.Brokers, c.Topic, c.Consumers = []string{server.address()}, "t", -1
	rec := NewRecorder()
	l, err := New(c, NewClock(), rec)
	require.NoError(b, err)
	d := 24 * time.Hour
	if c.Rate > 0 {
		d = time.Duration(b.N) * time.Second / time.Duration(c.Rate)
	}
	before := ReadOwn()
	b.SetBytes(int64(l.Config().ValueSize))
	b.ReportAllocs()
	b.ResetTimer()
	p, err := l.StartProducers(b.Context(), d)
	require.NoError(b, err)
	require.NoError(b, p.Wait(b.Context()))
	b.StopTimer()
	require.EqualValues(b, b.N, l.Counters.Acked.Load())
	own := ReadOwn().Since(before)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(own.CPU*1e9/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(own.GCs), "GCs")
	if late := l.Stalls.Take(); late != nil {
		response := rec.Take().Hist[results.ProduceResponse]
		b.ReportMetric(float64(late.ValueAtPercentile(50))/1e3, "own-p50-µs")
		b.ReportMetric(float64(late.ValueAtPercentile(99))/1e3, "own-p99-µs")
		b.ReportMetric(float64(response.ValueAtPercentile(99))/1e3, "response-p99-µs")
	}
}
