package walbench

import (
	"fmt"
	"io"
)

// Print writes the result as text.
func (r Result) Print(w io.Writer) {
	fmt.Fprintln(w, r.WAL)
	if r.Simulated != "" {
		fmt.Fprintf(w, "SIMULATED         %s\n", r.Simulated)
	}
	fmt.Fprintf(w, "durability        %s\n", r.Durability)
	fmt.Fprintf(w, "load              %s loop, %d appenders, %d bytes a record (GOMAXPROCS %d)\n", r.Loop, r.Appenders, r.RecordBytes, r.GOMAXPROCS)
	fmt.Fprintf(w, "appends           %.0f/s, %.1f MiB/s\n", r.AppendsPerS, r.MiBPerS)
	fmt.Fprintf(w, "latency µs        avg %.0f  p50 %.0f  p99 %.0f  p99.9 %.0f  max %.0f\n", r.AvgUs, r.P50Us, r.P99Us, r.P999Us, r.MaxUs)
	fmt.Fprintf(w, "CPU               %.2f s a GiB, %.1f µs an append\n", r.CPUSPerGiB, r.CPUUsPerAppend)
	fmt.Fprintf(w, "writes            %d, %.0f bytes each, %.1f MiB/s; %d of headers\n", r.WriteCount, r.MeanWriteBytes, r.WrittenMiBPerS, r.HeaderWrites)
	fmt.Fprintf(w, "                  %.0f µs each, %.2f in flight on average\n", r.MeanWriteUs, r.MeanDepth)
	fmt.Fprintf(w, "window            %d bytes, %d stalls; depth %d of %d\n", r.WindowMax, r.WindowStalls, r.Depth, r.PathDepth)
	fmt.Fprintf(w, "allocations       %.3f an append\n", r.AllocsPerOp)
}
