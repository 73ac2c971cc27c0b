package workloads

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Phase is something that happens to the target while the load goes on, by the
// same schedule as before and after:
//
//	phases:
//	  - {at: 60s, do: catch-up, for: 20s}
//	  - {at: 120s, do: kill9, for: 30s}
//	  - {at: 160s, do: store-slow, for: 30s, storeLatency: 2s}
type Phase struct {
	At  time.Duration `yaml:"at"`  // since the start of the run, behind the warm-up
	Do  string        `yaml:"do"`  // one of Happenings
	For time.Duration `yaml:"for"` // its longest time: catch-up and compact end when they are through
	// CatchUpRateMiB is what the consumers of a catch-up read a second, all
	// together; 0: as fast as it goes.
	CatchUpRateMiB float64 `yaml:"catchUpRateMiB"`
	// StoreLatency delays each request of the target's store in store-slow.
	// Default 1s.
	StoreLatency time.Duration `yaml:"storeLatency"`
}

// Latency is StoreLatency, or its default.
func (p Phase) Latency() time.Duration { return cmp.Or(p.StoreLatency, time.Second) }

// What a phase does to the target's store.
const (
	StoreOutage = "store-outage" // every request fails
	StoreSlow   = "store-slow"   // every request takes longer
)

// Happenings are what a phase may do.
var Happenings = []string{"catch-up", "kill9", "compact", StoreOutage, StoreSlow}

// maxPhases of one workload.
const maxPhases = 100

// maxCatchUp is the highest catchUpRateMiB.
const maxCatchUp = 1 << 20

// maxStoreLatency is the longest storeLatency.
const maxStoreLatency = 10 * time.Minute

// checkPhases reports every fault of the phases.
func (w Workload) checkPhases() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(w.Phases) == 0 {
		return nil
	}
	if w.Closed || w.ConsumerBacklogSizeGB > 0 {
		bad("phases disturb a load that goes on by a schedule: set producerRate, and fillGB for a back-log")
	}
	if len(w.Phases) > maxPhases {
		bad("phases are %d, want at most %d", len(w.Phases), maxPhases)
	}
	free := time.Duration(0)
	for i, p := range w.Phases {
		if !slices.Contains(Happenings, p.Do) {
			bad("phase %d does %q, want one of %s", i+1, p.Do, strings.Join(Happenings, ", "))
		}
		if p.For <= 0 {
			bad("phase %d lasts for: %v, want more than 0", i+1, p.For)
		}
		if p.CatchUpRateMiB != 0 && p.Do != "catch-up" {
			bad("phase %d does %q, and catchUpRateMiB is for a catch-up", i+1, p.Do)
		}
		if !(p.CatchUpRateMiB >= 0 && p.CatchUpRateMiB <= maxCatchUp) {
			bad("phase %d has catchUpRateMiB: %g, want 0 (as fast as it goes) to %d", i+1, p.CatchUpRateMiB, maxCatchUp)
		}
		if p.StoreLatency != 0 && p.Do != StoreSlow {
			bad("phase %d does %q, and storeLatency is for %s", i+1, p.Do, StoreSlow)
		}
		if p.StoreLatency < 0 || p.StoreLatency > maxStoreLatency {
			bad("phase %d has storeLatency: %v, want more than 0, to %v", i+1, p.StoreLatency, maxStoreLatency)
		}
		if p.At < free {
			bad("phase %d begins at: %v, before %v, when the one before it may end", i+1, p.At, free)
		}
		free = p.At + p.For
	}
	if free > w.Duration() {
		bad("the last phase may end at %v, but testDurationMinutes is %v", free, w.Duration())
	}
	return errors.Join(errs...)
}

// Fill is what is written before anything else begins, in bytes; 0 for nothing.
func (w Workload) Fill() int64 { return int64(w.FillGB * (1 << 30)) }

// CatchesUp says whether fresh consumers read from offset 0 while the load goes
// on.
func (w Workload) CatchesUp() bool {
	return slices.ContainsFunc(w.Phases, func(p Phase) bool { return p.Do == "catch-up" })
}

// BreaksStore says whether the target's store is made to fail.
func (w Workload) BreaksStore() bool {
	return slices.ContainsFunc(w.Phases, func(p Phase) bool { return p.Do == StoreOutage || p.Do == StoreSlow })
}
