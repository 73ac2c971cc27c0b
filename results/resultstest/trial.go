// Package resultstest makes a small trial whose numbers are known, for tests
// of what reads trials.
package resultstest

import (
	"math"
	"testing"
	"time"

	"github.com/tidelog/tide/results"
)

// Started is when the trial began.
var Started = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// Write fills dir with a trial of three phases of four seconds, 1000 records a
// second, whose latencies are lognormal about 2 ms; the second phase is twice
// as slow, and in the third there is an outage of two seconds.
func Write(t testing.TB, dir string) *results.Run {
	t.Helper()
	w, err := results.Create(dir, Started, []string{"acked_mib_per_s", "consumed_mib_per_s", "caught_up_mib_per_s"})
	check(t, err)
	run := newRun()
	for second := range 12 {
		phase := run.Phases[second/4]
		at := Started.Add(time.Duration(second) * time.Second)
		check(t, w.Interval(at, at.Add(time.Second), phase.Name, times(second)))
		caught := 0.0
		if second == 4 {
			caught = 70
		}
		check(t, w.Row(results.Row{T: float64(second + 1), Phase: phase.Name, Values: []float64{8, 8, caught}}))
	}
	env := results.Env{
		Kernel: results.KernelInfo{Release: "6.0"}, Filesystem: "ext4",
		Device: results.Device{Name: "vda", WriteCache: "write through"},
	}
	check(t, w.Finish(run, &env))
	return run
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRun() *results.Run {
	phase := func(name string, start float64) results.Phase {
		return results.Phase{
			Name: name, Start: start, End: start + 4, RateChecked: name != "kill",
			Scheduled: 4000, Acked: 4000, AckedBytes: 32 << 20, Consumed: 4000, ConsumedB: 32 << 20, Puts: 4, PutBytes: 32 << 20,
		}
	}
	catchUp := phase("catch-up", 4)
	catchUp.Gets, catchUp.GetBytes, catchUp.CaughtUp, catchUp.CaughtUpB = 40, 33<<20, 4000, 32<<20
	return &results.Run{
		Workload: "demo", Target: "tide", Started: Started, SecondsRun: 12, Seed: 1,
		Durability: results.Durability{Acks: "all", Flush: "dsync", Replicas: 1, PowerCut: "loses nothing acknowledged"},
		Config:     map[string]string{"load.rate": "1000/s"},
		Counters:   map[string]int64{"acked": 12000},
		Figures:    map[string]results.Figure{"recovery": {Value: 0.8, Unit: "s"}},
		Phases:     []results.Phase{phase("tail", 0), catchUp, phase("kill", 8)},
		Verification: results.Verification{
			Done: true, Records: 12000, Expected: 12000,
		},
	}
}

// times of one second: quantile i of 1000 of a lognormal distribution.
func times(second int) results.Histograms {
	hs := results.NewHistograms()
	for i := range 1000 {
		z := math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/1000-1)
		ns := int64(2e6 * math.Exp(0.4*z))
		if second/4 == 1 {
			ns *= 2
		}
		if second == 9 || second == 10 {
			ns += int64(i) * 2e6 // waiting for the broker to come back
		}
		for s, h := range hs[:results.FetchService] { // nobody fetches single records here
			_ = h.RecordValue(ns + int64(s)*1000) // within the bounds
		}
	}
	return hs
}
