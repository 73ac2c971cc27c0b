// Package replay puts a trace's requests to cache policies and counts what
// they miss.
//
//	file ─ gunzip? ─ decode ─▶ batches ─┬─▶ worker: cells 0, n, 2n …
//	       (csv, oracleGeneral, tide)   ├─▶ worker: cells 1, n+1 …      one Row a cell
//	                                    └─▶ …
//
// A trace is streamed, never held: a first pass surveys it where sizes are
// shares of the footprint or Belady's policy needs what comes next, and one pass
// serves all cells. What is held is a few batches, and for each distinct block of the
// survey and for each block of each cache some tens of bytes.
//
// Rules, those of libCacheSim: every request counts, there is no warm-up; every
// miss is inserted, unless the block is larger than the cache. One differs: a
// request of no size, which libCacheSim skips unless it is told not to, counts here
// as one for a block of a byte.
package replay

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tidelog/tide/cacheexp/policy"
	"github.com/tidelog/tide/cacheexp/trace"
)

// Request is a reader's request for a block. Csv and oracleGeneral have a time
// in whole seconds, an object and a size, and nothing else.
type Request struct {
	trace.Access
	// Next is the number, counted from 0, of the next request for the block;
	// math.MaxInt64 for none. It is Unknown where the format does not tell and
	// no survey has found out.
	Next int64
}

// Unknown is a Next that nobody has looked for.
const Unknown int64 = -1

// Never is the Next of a block's last request.
const Never int64 = math.MaxInt64

// Unit is what a cache's size and its blocks are counted in.
type Unit string

// The units.
const (
	Objects Unit = "objects" // each block is 1
	Bytes   Unit = "bytes"
)

// Units are both.
var Units = []string{string(Objects), string(Bytes)}

// Belady is the policy that knows the future: in the simulator only.
const Belady = "belady"

// Policies are the names that a cell may have.
func Policies() []string {
	names := append(policy.Names(), Belady)
	slices.Sort(names)
	return names
}

// Cell is one cache to be simulated.
type Cell struct {
	Policy   string
	Prefetch string  // of package prefetch; "" and "none" are the same
	Size     float64 // at most 1: a share of the footprint; else in Unit
	Unit     Unit
}

// Validate reports what is wrong with the cell.
func (c Cell) Validate() error {
	var errs []error
	if !slices.Contains(Policies(), c.Policy) {
		errs = append(errs, fmt.Errorf("unknown cache policy %q (known: %s)", c.Policy, strings.Join(Policies(), ", ")))
	}
	if !slices.Contains(Units, string(c.Unit)) {
		errs = append(errs, fmt.Errorf("unknown unit %q (known: %s)", c.Unit, strings.Join(Units, ", ")))
	}
	if !(c.Size > 0) || c.Size > math.MaxInt64/2 {
		errs = append(errs, fmt.Errorf("size %v: want a share of the footprint up to 1, or a number of %s above it", c.Size, c.Unit))
	}
	if c.Size > 1 && c.Size != math.Trunc(c.Size) {
		errs = append(errs, fmt.Errorf("size %v: want a whole number of %s, or at most 1 for a share of the footprint", c.Size, c.Unit))
	}
	if c.Prefetch != "" && c.Prefetch != noPrefetch {
		errs = append(errs, fmt.Errorf("prefetcher %q: without time a block ahead costs nothing and is never late, so only %s is simulated without a store model", c.Prefetch, noPrefetch))
	}
	return errors.Join(errs...)
}

// noPrefetch is what rows without a prefetcher say.
const noPrefetch = "none"

// relative says whether the size is a share of the footprint.
func (c Cell) relative() bool { return c.Size <= 1 }

// Capacity in the cell's unit. A share is rounded down; one of nothing is an
// error.
func (c Cell) Capacity(f Footprint) (int64, error) {
	if !c.relative() {
		return int64(c.Size), nil
	}
	of := f.Objects
	if c.Unit == Bytes {
		of = f.Bytes
	}
	n := share(c.Size, of)
	if n < 1 {
		return 0, fmt.Errorf("size %v: less than one of the footprint's %d %s; name a larger share, or a size above 1", c.Size, of, c.Unit)
	}
	return n, nil
}

// share of n, rounded down. 0.29 of 100 is 29, though the nearest float to 0.29
// is below it: what lies within a millionth of a whole number is that number.
func share(of float64, n int64) int64 {
	x := of * float64(n)
	if near := math.Round(x); math.Abs(x-near) < 1e-6 {
		return int64(near)
	}
	return int64(x)
}

// Footprint is what a trace asks for, each block once.
type Footprint struct {
	Objects int64 // distinct ones
	Bytes   int64 // of these; of a block whose size changes, the first
}

// Row is the result of one cell. Its fields stand in the order of the csv.
type Row struct {
	Trace         string  `json:"trace"`
	Policy        string  `json:"policy"`
	Prefetch      string  `json:"prefetch"`
	Size          int64   `json:"size"` // in Unit; a share is resolved
	Unit          Unit    `json:"unit"`
	Requests      int64   `json:"requests"`
	Misses        int64   `json:"misses"`
	MissRatio     float64 `json:"miss_ratio"`
	ByteMissRatio float64 `json:"byte_miss_ratio"`
	// Lost is how many accesses the recording lacks, by its own account: with
	// many of them the ratios are those of another run. It is no column.
	Lost int64 `json:"lost,omitempty"`
}

// Header names the columns of Record.
func Header() []string {
	return []string{"trace", "policy", "prefetch", "size", "unit", "requests", "misses", "miss_ratio", "byte_miss_ratio"}
}

// Record is the row as csv has it, ratios with six digits.
func (r Row) Record() []string {
	return []string{
		r.Trace, r.Policy, r.Prefetch, fmt.Sprint(r.Size), string(r.Unit), fmt.Sprint(r.Requests), fmt.Sprint(r.Misses),
		fmt.Sprintf("%.6f", r.MissRatio), fmt.Sprintf("%.6f", r.ByteMissRatio),
	}
}
