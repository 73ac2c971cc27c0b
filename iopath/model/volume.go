// Package model puts an EBS volume around any Path, so that a laptop shows how
// the WAL behaves on one. Every result made with it is marked as simulated
// (iopath.Geometry.Simulated). The same code limits any path by IOPS and bytes.
//
//	Submit ─▶ inner path, at once ──────────────────────────────┐ both must be over:
//	       ─▶ queue: IOPS bucket ─▶ byte bucket ─▶ one of depth │ the inner write,
//	          slots, for a lognormal service time ──────────────┤ and the modelled time
//	                                                            ▼
//	Reap ◀── Done, in the order of the modelled completions
//
// The queue is a pure function of the arrivals and a seed, without a clock of
// its own (Queue). The path asks it when a write is due and lets time pass by a
// Clock, which is the system's, or virtual for tests; Simulate asks the same
// queue about a list of arrivals and needs neither path nor clock.
package model

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/tidelog/tide/internal/storetime"
	"github.com/tidelog/tide/internal/units"
)

// Volume is what a volume promises and how long it takes. A field at zero
// sets no limit and takes no time.
type Volume struct {
	// Name is the preset's, printed in results. Empty for plain limits.
	Name string
	// IOPS is how many I/Os a second the volume accounts for.
	IOPS int64
	// Rate is how many bytes a second pass.
	Rate int64
	// Unit is what one I/O accounts for at most, in bytes: a larger one counts
	// as several. Default 256 KiB.
	Unit int64
	// MergeFrom is the size in bytes from which a write that starts where the
	// one before it ended, and finds it still queued, joins its unit. EBS "may"
	// merge so; 0 never does, which is the careful assumption.
	MergeFrom int64
	// Burst is how far ahead of its buckets a volume lets an idle one run.
	Burst time.Duration
	// Depth is how many I/Os are in service at most; others queue.
	Depth int
	// P50 and P99 are of the service time, which is lognormal.
	P50, P99 time.Duration
}

const (
	kib = 1 << 10
	mib = 1 << 20
)

// presets. IOPS and Rate are what AWS sells; Burst, Depth, P50 and P99 are
// guesses until they are calibrated on EC2, and are printed with every result.
// st1 accounts by 1 MiB and merges, for it is sold by throughput.
var presets = map[string]Volume{
	"gp3-3000": {
		IOPS: 3000, Rate: 125 * mib, Unit: 256 * kib, Burst: 10 * time.Millisecond, Depth: 64,
		P50: 600 * time.Microsecond, P99: 2 * time.Millisecond,
	},
	"gp3-16000": {
		IOPS: 16000, Rate: 1000 * mib, Unit: 256 * kib, Burst: 10 * time.Millisecond, Depth: 64,
		P50: 600 * time.Microsecond, P99: 2 * time.Millisecond,
	},
	"io2": {
		IOPS: 16000, Rate: 4000 * mib, Unit: 256 * kib, Burst: 10 * time.Millisecond, Depth: 64,
		P50: 250 * time.Microsecond, P99: 600 * time.Microsecond,
	},
	"st1": {
		IOPS: 500, Rate: 125 * mib, Unit: mib, MergeFrom: 4 * kib, Burst: 10 * time.Millisecond, Depth: 64,
		P50: 5 * time.Millisecond, P99: 20 * time.Millisecond,
	},
}

// Names of the presets, sorted.
func Names() []string { return slices.Sorted(maps.Keys(presets)) }

// Preset returns the volume of a name.
func Preset(name string) (Volume, error) {
	v, ok := presets[name]
	if !ok {
		return Volume{}, fmt.Errorf("model %q: want one of %s", name, strings.Join(Names(), ", "))
	}
	v.Name = name
	return v, nil
}

// Limit returns the volume with IOPS and bytes a second lowered to what is
// given; 0 leaves them as they are.
func (v Volume) Limit(iops, rate int64) Volume {
	lower := func(have, limit int64) int64 {
		if limit == 0 || have != 0 && have < limit {
			return have
		}
		return limit
	}
	v.IOPS, v.Rate = lower(v.IOPS, iops), lower(v.Rate, rate)
	return v
}

func (v Volume) withDefaults() Volume {
	if v.Unit == 0 {
		v.Unit = 256 * kib
	}
	if v.P99 == 0 {
		v.P99 = v.P50
	}
	return v
}

// Validate reports every fault at once.
func (v Volume) Validate() error {
	v = v.withDefaults()
	var faults []error
	if v.IOPS < 0 || v.Rate < 0 || v.Unit < 0 || v.MergeFrom < 0 || v.Burst < 0 || v.Depth < 0 || v.P50 < 0 {
		faults = append(faults, errors.New("want no negative number"))
	}
	if v.P99 < v.P50 {
		faults = append(faults, fmt.Errorf("P99 %v, want at least P50 %v", v.P99, v.P50))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("volume %s: %w", v.Name, err)
	}
	return nil
}

// String prints the volume with its guesses, as results quote it.
func (v Volume) String() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if v.IOPS != 0 {
		add("%d IOPS of %s", v.IOPS, units.Size(v.withDefaults().Unit))
	}
	if v.Rate != 0 {
		add("%s/s", units.Size(v.Rate))
	}
	if v.MergeFrom != 0 {
		add("merging from %s", units.Size(v.MergeFrom))
	}
	if v.P50 != 0 {
		add("guesses: service p50 %v, p99 %v, depth %d, burst %v", v.P50, v.P99, v.Depth, v.Burst)
	}
	return fmt.Sprintf("%s (%s)", v.Name, strings.Join(parts, ", "))
}

// service draws a service time.
func (v Volume) service(rng *rand.Rand) time.Duration {
	return storetime.Latency{P50: v.P50, P99: v.P99}.Draw(rng)
}
