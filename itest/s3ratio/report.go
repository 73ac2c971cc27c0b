package main

import (
	"fmt"
	"io"
	"time"

	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/results/stats"
	"github.com/tidelog/tide/workloads/target"
)

// aim is what the broker is to reach of the bare reader's rate.
const aim = 0.8

// reading is what one client got from one side.
type reading struct {
	bytes   int64         // of values
	rate    float64       // MiB/s from the first record to the last
	took    time.Duration // from the start of the client's process to its end
	server  time.Duration // CPU of the broker or of the bare reader meanwhile, as are the next
	client  time.Duration
	gateway time.Duration

	counters target.Metrics // of a broker meanwhile; nil: none
}

func (r reading) perGiB(d time.Duration) float64 { return d.Seconds() / (float64(r.bytes) / (1 << 30)) }

func (r reading) line(side string) string {
	return fmt.Sprintf("%s %.0f MiB/s, %v with the client's start; CPU s per GiB: reader %.2f, client %.2f, S3 server %.2f%s",
		side, r.rate, r.took.Round(time.Millisecond), r.perGiB(r.server), r.perGiB(r.client), r.perGiB(r.gateway), r.gets())
}

// gets is how a broker read: by how many GETs, and how many of them a client
// waited for from their start.
func (r reading) gets() string {
	gets := r.counters[`tide_objstore_requests_total{op="get"}`]
	if gets == 0 {
		return ""
	}
	mean := units.Size(int64(r.counters[`tide_objstore_bytes_total{op="get"}`]/gets) >> 10 << 10)
	return fmt.Sprintf("; %.0f GETs of %s, %.0f on demand", gets, mean, r.counters["tide_blockcache_loads_total"])
}

// series is one number of all readings.
func series(all []reading, of func(reading) float64) (out []float64) {
	for _, r := range all {
		out = append(out, of(r))
	}
	return out
}

// summarize prints medians with their ranges, and the ratio with its interval.
func summarize(out io.Writer, partitions int, tide, bare []reading) {
	rate := func(r reading) float64 { return r.rate }
	for _, s := range []struct {
		name string
		all  []reading
	}{{"bare", bare}, {"tide", tide}} {
		m := stats.Summarize(series(s.all, rate))
		cpu := func(of func(reading) time.Duration) float64 {
			return stats.Summarize(series(s.all, func(r reading) float64 { return r.perGiB(of(r)) })).Median
		}
		fmt.Fprintf(out, "%d partitions, %s: median %.0f MiB/s (%.0f to %.0f, %d readings); CPU s per GiB: reader %.2f, client %.2f, S3 server %.2f\n",
			partitions, s.name, m.Median, m.Min, m.Max, m.N, cpu(func(r reading) time.Duration { return r.server }),
			cpu(func(r reading) time.Duration { return r.client }), cpu(func(r reading) time.Duration { return r.gateway }))
	}
	c := stats.Compare(series(bare, rate), series(tide, rate), 0, 1)
	fmt.Fprintf(out, "%d partitions: tide ÷ bare %.2f (95 %% %.2f to %.2f), aim %.1f: %s\n", partitions, c.Ratio, c.Low, c.High, aim, judge(c.Ratio))
}

func judge(ratio float64) string {
	if ratio >= aim {
		return "reached"
	}
	return "not reached"
}
