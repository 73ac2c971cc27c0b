package matrix

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"

	"github.com/tidelog/tide/cacheexp/prefetch"
	"github.com/tidelog/tide/cacheexp/replay"
	"github.com/tidelog/tide/cacheexp/timed"
	"github.com/tidelog/tide/cacheexp/trace"
	"github.com/tidelog/tide/internal/storetime"
	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/workloads"
)

const (
	liveName     = "cache-live"
	liveWorkload = "catchup-cache"
	liveTrace    = ".cache-live.trace" // beside the trials, while one runs
)

// cacheLive is tide bench of a workload that reads out of objects, on a broker
// that records what is asked of its block cache. What it has recorded is told to
// the same policy once more, and put to the simulator with the same policy,
// prefetcher, size and model:
//
//	live/…     of the broker: the trace, and the counters of the catch-up
//	replay/…   of the policy that is told what the broker's was: no difference
//	sim/…      of the simulator, which decides by itself what is read ahead
//
// The recording is removed then.
type cacheLive struct {
	brokerTrial
	settings map[string]string // of the trial under way
}

func newCacheLive() (command, error) {
	w, err := workloads.Open(liveWorkload)
	if err != nil {
		return nil, err
	}
	return &cacheLive{brokerTrial: brokerTrial{liveWorkload, w}}, nil
}

// targets: only a broker of our own has such a cache.
func (*cacheLive) targets() bool { return false }

// traceOf the trials below place.
func traceOf(place string) string { return filepath.Join(filepath.Dir(place), liveTrace) }

func (c *cacheLive) args(settings map[string]string, place string) ([]string, error) {
	for _, needed := range []string{"policy", "prefetch", "block-cache", "store.model"} {
		if settings[needed] == "" {
			return nil, fmt.Errorf("axis %s is missing: %s simulates the broker with it", needed, liveName)
		}
	}
	own := maps.Clone(settings)
	own[axisTarget] = "tide?trace=" + url.QueryEscape(traceOf(place))
	return c.brokerTrial.args(own, place)
}

func (c *cacheLive) prepare(settings map[string]string, place string) error {
	c.settings = settings
	return errors.Join(os.RemoveAll(traceOf(place)), c.brokerTrial.prepare(settings, place))
}

func (c *cacheLive) outcome(printed map[string]any, place string) (outcome, error) {
	o, err := c.brokerTrial.outcome(printed, place)
	if err != nil {
		return o, err
	}
	if err = c.replayFrom(place, o.result); err != nil {
		return o, err
	}
	for key, figure := range map[string]string{"live/gets_per_mib": "catch-up GETs per MiB", "live/over_read": "catch-up over-read"} {
		if v, ok := o.result[figure]; ok {
			o.result[key] = v
		}
	}
	return o, os.Remove(traceOf(place))
}

// replayFrom adds what the recording says, and what becomes of it elsewhere.
func (c *cacheLive) replayFrom(place string, into map[string]any) error {
	t := replay.Trace{Path: traceOf(place), Format: replay.Tide}
	capacity, err := units.ParseSize(c.settings["block-cache"])
	if err != nil {
		return err
	}
	in, err := t.Items()
	if err != nil {
		return err
	}
	defer in.Close()
	walked := &walked{in: in, last: map[prefetch.Reader]spot{}}
	told, err := timed.Recorded(walked, c.settings["policy"], capacity)
	if err != nil {
		return err
	}
	if in.Lost() > 0 {
		return fmt.Errorf("the broker could not record %d accesses of its block cache", in.Lost())
	}
	requests := float64(max(told.Hits+told.Misses, 1))
	into["live/miss_ratio"] = float64(told.Misses-told.Rescues) / requests
	into["replay/miss_ratio"] = float64(told.Misses) / requests
	into["replay/differences"] = float64(told.Differences)
	return c.simulate(t, capacity, float64(max(walked.bytes, 1)), into)
}

// simulate puts the readers' requests to the simulator. A fetch takes a part of a
// block at a time, so GETs and bytes are by what readers walked through.
func (c *cacheLive) simulate(t replay.Trace, capacity int64, served float64, into map[string]any) error {
	service, err := c.service()
	if err != nil {
		return err
	}
	first, err := t.Items()
	if err != nil {
		return err
	}
	defer first.Close()
	catalog, err := timed.NewCatalog(first)
	if err != nil {
		return err
	}
	again, err := t.Items()
	if err != nil {
		return err
	}
	defer again.Close()
	r, err := timed.Run(catalog, again, timed.Config{
		Policy: c.settings["policy"], Prefetch: c.settings["prefetch"], Capacity: capacity, Slots: true, Service: service, Seed: 1,
	})
	if err != nil {
		return err
	}
	into["sim/miss_ratio"] = r.MissRatio()
	into["sim/gets_per_mib"] = float64(r.GETs) / served * (1 << 20)
	into["sim/over_read"] = float64(r.Fetched) / served
	into["sim/p99_us"] = r.Figures().P99
	return nil
}

// service that a cell's store is behind; none takes no time.
func (c *cacheLive) service() (storetime.Service, error) {
	if m := c.settings["store.model"]; m != none {
		return storetime.Preset(m)
	}
	return storetime.Service{}, nil
}

// walked counts the bytes of the blocks that readers came to.
type walked struct {
	in    *replay.Items
	last  map[prefetch.Reader]spot
	bytes int64
}

type spot struct{ object, position int64 }

// Next implements timed.Source.
func (w *walked) Next() (trace.Access, error) {
	a, err := w.in.Next()
	if err != nil || !a.Kind.Demand() {
		return a, err
	}
	who, at := prefetch.Reader{Stream: a.Stream, ID: a.Reader}, spot{a.Object, a.Position}
	if before, known := w.last[who]; !known || before != at {
		w.last[who] = at
		w.bytes += int64(a.Size)
	}
	return a, nil
}
