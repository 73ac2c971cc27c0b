package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/tidelog/tide/broker/wal/walbench"
	"github.com/tidelog/tide/internal/align"
	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/iopath/bench"
	"github.com/tidelog/tide/iopath/model"
)

// walReport is what `tide wal bench` prints: the log, and what it stands
// beside.
type walReport struct {
	walbench.Result
	*bench.Comparison       // with --fio
	FioBlockBytes     int64 `json:"fio_block_bytes,omitempty"`
	FioDepth          int   `json:"fio_depth,omitempty"`
	*queueComparison        // of a simulated volume in an open loop
}

// queueComparison is the least latency that a log without any cost of its own
// would have on the simulated volume, with the same records at the same times,
// the same depth and pace, acknowledged in order (model.Simulate).
type queueComparison struct {
	QueueAvgUs float64 `json:"queue_avg_us"`
	QueueP50Us float64 `json:"queue_p50_us"`
	QueueP99Us float64 `json:"queue_p99_us"`
	QueueRatio float64 `json:"queue_ratio"` // our average to the queue's
}

// besideFio runs fio with the log's mean write, rounded up to what fio can
// write, and its mean depth, rounded. capacity is the file's, in bytes. The ratio
// is of bytes a second: the log's are counted in fio's writes, for at a mean of
// little more than 4 KiB fio writes 8.
func besideFio(ctx context.Context, spec iopath.Spec, capacity int64, r walbench.Result) (*bench.Comparison, error) {
	b := bench.Result{
		Durability: iopath.Durability(r.Durability),
		Block:      fioBlock(r),
		Depth:      fioDepth(r),
		Seconds:    r.DurationS,
	}
	if b.Block == 0 {
		return nil, fmt.Errorf("nothing was written that fio could be put beside: make --duration longer")
	}
	b.IOPS = float64(r.BytesWritten) / float64(b.Block) / r.DurationS
	if err := (bench.Fio{}).Compare(ctx, spec, capacity, &b); err != nil {
		return nil, err
	}
	return b.Comparison, nil
}

// fioBlock is the size of fio's writes, in bytes.
func fioBlock(r walbench.Result) int64 {
	return align.Up(int64(math.Ceil(r.MeanWriteBytes)), iopath.BlockSize)
}

// fioDepth is how many writes fio keeps in flight.
func fioDepth(r walbench.Result) int { return max(1, int(math.Round(r.MeanDepth))) }

// recordOverhead is what a record takes in the log beside its payload, in
// bytes: the header of a stream record batch, and the log's own.
const recordOverhead = 33 + 24

// defaultBlock is the log's own BlockSoft, in bytes.
const defaultBlock = 256 << 10

// besideQueue is nil where there is no volume or no schedule to simulate, or
// none that was kept. The warm-up is left out of its latencies, as of ours.
func besideQueue(spec iopath.Spec, r walbench.Result) (*queueComparison, error) {
	if !spec.Simulated() || r.RatePerS == 0 || r.Verdict == walbench.Invalid {
		return nil, nil
	}
	volume, err := model.Preset(spec.Model)
	if err != nil {
		return nil, err
	}
	volume = volume.Limit(spec.IOPS, spec.Rate)
	w := model.Writer{Depth: r.PathDepth, Block: cmp.Or(spec.BlockSoft, defaultBlock), IOPS: volume.IOPS}
	if spec.NoPace {
		w.IOPS = 0
	}
	p := model.Simulate(volume, max(spec.Seed, 1), w, schedule(r)).Without(int(float64(r.RatePerS) * r.WarmupS))
	us := func(d time.Duration) float64 { return float64(d) / 1e3 }
	return &queueComparison{
		QueueAvgUs: us(p.Mean), QueueP50Us: us(p.P50), QueueP99Us: us(p.P99), QueueRatio: r.AvgUs / us(p.Mean),
	}, nil
}

func schedule(r walbench.Result) []model.Arrival {
	n := int(float64(r.RatePerS) * (r.WarmupS + r.DurationS))
	out := make([]model.Arrival, n)
	for i := range out {
		at := float64(i) / float64(r.RatePerS) * float64(time.Second)
		out[i] = model.Arrival{At: time.Duration(at), Size: int64(r.RecordBytes + recordOverhead)}
	}
	return out
}

func (r walReport) print(w io.Writer) {
	r.Print(w)
	if f := r.Comparison; f != nil {
		fmt.Fprintf(w, "fio io_uring      %.0f/s of %d bytes at depth %d, p50 %.0f  p99 %.0f\n", f.FioIOPS, r.FioBlockBytes, r.FioDepth, f.FioP50US, f.FioP99US)
		fmt.Fprintf(w, "fio psync × depth %.0f/s, p50 %.0f  p99 %.0f\n", f.FioPsyncIOPS, f.FioPsyncP50US, f.FioPsyncP99US)
		fmt.Fprintf(w, "ratio             %.2f of bytes written\n", f.Ratio)
	}
	if q := r.queueComparison; q != nil {
		fmt.Fprintf(w, "queue simulation  avg %.0f µs  p50 %.0f  p99 %.0f; ratio of averages %.2f\n", q.QueueAvgUs, q.QueueP50Us, q.QueueP99Us, q.QueueRatio)
		fmt.Fprintln(w, "                  (AutoMQ publishes an average of 1.0 ms for 4 KiB records at 107 MB/s, depth 8, on gp3 at its base)")
	}
}
