package walbench

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/tidelog/tide/broker/wal"
)

// Result is one run. The fields up to durability are the command's contract;
// the others explain the row. Times are in µs, sizes in bytes.
type Result struct {
	AppendsPerS  float64 `json:"appends_per_s"`
	MiBPerS      float64 `json:"mib_per_s"` // of payload
	AvgUs        float64 `json:"avg_us"`
	P50Us        float64 `json:"p50_us"`
	P99Us        float64 `json:"p99_us"`
	P999Us       float64 `json:"p999_us"`
	MaxUs        float64 `json:"max_us"`
	CPUSPerGiB   float64 `json:"cpu_s_per_gib"` // of this process, its load included, per GiB of payload
	WriteCount   int64   `json:"write_count"`   // of blocks
	BytesWritten int64   `json:"bytes_written"` // of those
	HeaderWrites int64   `json:"header_writes"`
	WindowStalls int64   `json:"window_stalls"`
	AllocsPerOp  float64 `json:"allocs_per_op"`
	Durability   string  `json:"durability"`

	Simulated      string  `json:"simulated"` // the volume that a model stands for, or empty
	WAL            string  `json:"wal"`
	Loop           string  `json:"loop"` // closed, or open
	RatePerS       int64   `json:"rate_per_s"`
	RecordBytes    int     `json:"record_bytes"`
	Appenders      int     `json:"appenders"`
	GOMAXPROCS     int     `json:"gomaxprocs"`
	WarmupS        float64 `json:"warmup_s"`
	DurationS      float64 `json:"duration_s"` // as measured
	Appends        int64   `json:"appends"`
	WrittenMiBPerS float64 `json:"written_mib_per_s"`
	MeanWriteBytes float64 `json:"mean_write_bytes"`
	MeanDepth      float64 `json:"mean_depth"` // writes in flight, averaged over time
	MeanWriteUs    float64 `json:"mean_write_us"`
	RecordsPerIO   float64 `json:"records_per_write"`
	CPUUsPerAppend float64 `json:"cpu_us_per_append"`
	PathDepth      int     `json:"path_depth"`
	Depth          int     `json:"depth"` // aimed at when the run ended
	Capacity       int64   `json:"capacity_bytes"`
	WindowMax      int64   `json:"window_bytes"`
	BlockSoft      int     `json:"block_soft_bytes"` // 0: the log's default
	LingerUs       float64 `json:"linger_us"`        // 0: adaptive
	TickUs         float64 `json:"tick_us"`
	PaddingBytes   int64   `json:"padding_bytes"`
	RingFull       int64   `json:"ring_full"`
	MemoryFull     int64   `json:"memory_full"`
	AppendWaits    int64   `json:"append_waits"`
	Verdict        string  `json:"verdict"` // Valid, or Invalid with the reason
	Reason         string  `json:"reason,omitempty"`
}

// Words of a verdict.
const (
	Valid   = "VALID"
	Invalid = "INVALID" // the latencies must not be quoted
)

// minRate is the share of its schedule that an open loop must get done.
const minRate = 0.99

// snapshot is the state of all counters at one moment.
type snapshot struct {
	at     int64 // ns since epoch
	acks   int64
	allocs uint64
	cpu    time.Duration
	stats  wal.Stats
	waits  int64
}

func (r *run) snapshot() snapshot {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
	metrics.Read(sample)
	r.acks.mu.Lock()
	waits := r.acks.waits
	r.acks.mu.Unlock()
	return snapshot{
		at: r.now(), acks: r.acks.durables.Load(), allocs: sample[0].Value.Uint64(),
		cpu: cpuTime(), stats: r.log.Stats(), waits: waits,
	}
}

// result is the difference of two snapshots. The load has ended.
func (r *run) result(a, b snapshot) Result {
	g, c, h := r.cfg.WAL.Path.Geometry(), r.cfg, r.acks.hist
	seconds, n := time.Duration(b.at-a.at).Seconds(), b.acks-a.acks
	payload := float64(n) * float64(c.Record)
	written, writes := b.stats.Bytes-a.stats.Bytes, b.stats.Writes-a.stats.Writes
	us := func(ns float64) float64 { return ns / 1e3 }
	out := Result{
		AppendsPerS: float64(n) / seconds, MiBPerS: payload / seconds / (1 << 20),
		AvgUs: us(h.Mean()), P50Us: us(float64(h.ValueAtQuantile(50))), P99Us: us(float64(h.ValueAtQuantile(99))),
		P999Us: us(float64(h.ValueAtQuantile(99.9))), MaxUs: us(float64(h.Max())),
		CPUSPerGiB: ratio((b.cpu-a.cpu).Seconds()*(1<<30), payload),
		WriteCount: writes, BytesWritten: written,
		HeaderWrites: b.stats.HeaderWrites - a.stats.HeaderWrites, WindowStalls: b.stats.WindowStalls - a.stats.WindowStalls,
		AllocsPerOp: ratio(float64(b.allocs-a.allocs), float64(n)), Durability: string(g.Durability),

		Simulated: g.Simulated, WAL: c.Name, Loop: "closed", RatePerS: c.Rate, RecordBytes: c.Record, Appenders: c.Appenders,
		GOMAXPROCS: runtime.GOMAXPROCS(0), WarmupS: c.Warmup.Seconds(), DurationS: seconds, Appends: n,
		WrittenMiBPerS: float64(written) / seconds / (1 << 20), MeanWriteBytes: ratio(float64(written), float64(writes)),
		MeanDepth:    (b.stats.InFlight - a.stats.InFlight).Seconds() / seconds,
		MeanWriteUs:  us(ratio(float64(b.stats.InFlight-a.stats.InFlight), float64(writes))),
		RecordsPerIO: ratio(float64(n), float64(writes)), CPUUsPerAppend: ratio((b.cpu-a.cpu).Seconds()*1e6, float64(n)),
		PathDepth: g.Depth, Depth: b.stats.Depth, Capacity: g.Capacity, WindowMax: b.stats.WindowMax, BlockSoft: c.WAL.BlockSoft,
		LingerUs: us(float64(c.WAL.Linger)), TickUs: us(float64(c.WAL.Tick)),
		PaddingBytes: b.stats.PaddingBytes - a.stats.PaddingBytes,
		RingFull:     b.stats.RingFull - a.stats.RingFull, MemoryFull: b.stats.MemoryFull - a.stats.MemoryFull,
		AppendWaits: b.waits - a.waits, Verdict: Valid,
	}
	r.judge(&out, a, b)
	return out
}

// judge refuses an open loop that did not keep its rate: its latencies are
// those of a queue that only grows.
func (r *run) judge(out *Result, a, b snapshot) {
	switch {
	case r.cfg.Rate > 0:
		out.Loop = "open"
		want := scheduled(r.begin-int64(r.cfg.Warmup), r.cfg.Rate, a.at, b.at)
		if float64(out.Appends) < minRate*float64(want) {
			out.Verdict = Invalid
			out.Reason = fmt.Sprintf("%d of %d scheduled appends were durable in time (%.1f %%, want ≥ %.0f %%): lower --rate, or stop other work on this machine",
				out.Appends, want, 100*ratio(float64(out.Appends), float64(want)), 100*minRate)
		}
	case out.Appends == 0:
		out.Verdict, out.Reason = Invalid, "nothing became durable in the measured time: make --duration longer"
	}
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
