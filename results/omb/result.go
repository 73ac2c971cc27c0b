package omb

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidelog/tide/results"
)

// FileName in the trial's directory.
const FileName = "omb.json"

// Result has the fields of OMB's TestResult in its order.
type Result struct {
	Workload          string `json:"workload"`
	Driver            string `json:"driver"`
	MessageSize       int64  `json:"messageSize"` // bytes
	Topics            int64  `json:"topics"`
	Partitions        int64  `json:"partitions"` // of each topic
	ProducersPerTopic int64  `json:"producersPerTopic"`
	ConsumersPerTopic int64  `json:"consumersPerTopic"` // of each subscription

	PublishRate      list[float64] `json:"publishRate"`      // acknowledged a second
	PublishErrorRate list[float64] `json:"publishErrorRate"` // failed a second
	ConsumeRate      list[float64] `json:"consumeRate"`      // received a second
	Backlog          list[int64]   `json:"backlog"`          // acknowledged, not received, at the window's end

	PublishLatencyAvg     list[float64] `json:"publishLatencyAvg"` // ms
	PublishLatency50pct   list[float64] `json:"publishLatency50pct"`
	PublishLatency75pct   list[float64] `json:"publishLatency75pct"`
	PublishLatency95pct   list[float64] `json:"publishLatency95pct"`
	PublishLatency99pct   list[float64] `json:"publishLatency99pct"`
	PublishLatency999pct  list[float64] `json:"publishLatency999pct"`
	PublishLatency9999pct list[float64] `json:"publishLatency9999pct"`
	PublishLatencyMax     list[float64] `json:"publishLatencyMax"`

	PublishDelayLatencyAvg     list[float64] `json:"publishDelayLatencyAvg"` // µs
	PublishDelayLatency50pct   list[int64]   `json:"publishDelayLatency50pct"`
	PublishDelayLatency75pct   list[int64]   `json:"publishDelayLatency75pct"`
	PublishDelayLatency95pct   list[int64]   `json:"publishDelayLatency95pct"`
	PublishDelayLatency99pct   list[int64]   `json:"publishDelayLatency99pct"`
	PublishDelayLatency999pct  list[int64]   `json:"publishDelayLatency999pct"`
	PublishDelayLatency9999pct list[int64]   `json:"publishDelayLatency9999pct"`
	PublishDelayLatencyMax     list[int64]   `json:"publishDelayLatencyMax"`

	AggregatedPublishLatencyAvg     float64 `json:"aggregatedPublishLatencyAvg"` // ms
	AggregatedPublishLatency50pct   float64 `json:"aggregatedPublishLatency50pct"`
	AggregatedPublishLatency75pct   float64 `json:"aggregatedPublishLatency75pct"`
	AggregatedPublishLatency95pct   float64 `json:"aggregatedPublishLatency95pct"`
	AggregatedPublishLatency99pct   float64 `json:"aggregatedPublishLatency99pct"`
	AggregatedPublishLatency999pct  float64 `json:"aggregatedPublishLatency999pct"`
	AggregatedPublishLatency9999pct float64 `json:"aggregatedPublishLatency9999pct"`
	AggregatedPublishLatencyMax     float64 `json:"aggregatedPublishLatencyMax"`

	AggregatedPublishDelayLatencyAvg     float64 `json:"aggregatedPublishDelayLatencyAvg"` // µs
	AggregatedPublishDelayLatency50pct   int64   `json:"aggregatedPublishDelayLatency50pct"`
	AggregatedPublishDelayLatency75pct   int64   `json:"aggregatedPublishDelayLatency75pct"`
	AggregatedPublishDelayLatency95pct   int64   `json:"aggregatedPublishDelayLatency95pct"`
	AggregatedPublishDelayLatency99pct   int64   `json:"aggregatedPublishDelayLatency99pct"`
	AggregatedPublishDelayLatency999pct  int64   `json:"aggregatedPublishDelayLatency999pct"`
	AggregatedPublishDelayLatency9999pct int64   `json:"aggregatedPublishDelayLatency9999pct"`
	AggregatedPublishDelayLatencyMax     int64   `json:"aggregatedPublishDelayLatencyMax"`

	AggregatedPublishLatencyQuantiles      quantiles[float64] `json:"aggregatedPublishLatencyQuantiles"`      // ms
	AggregatedPublishDelayLatencyQuantiles quantiles[int64]   `json:"aggregatedPublishDelayLatencyQuantiles"` // µs

	EndToEndLatencyAvg     list[float64] `json:"endToEndLatencyAvg"` // ms
	EndToEndLatency50pct   list[float64] `json:"endToEndLatency50pct"`
	EndToEndLatency75pct   list[float64] `json:"endToEndLatency75pct"`
	EndToEndLatency95pct   list[float64] `json:"endToEndLatency95pct"`
	EndToEndLatency99pct   list[float64] `json:"endToEndLatency99pct"`
	EndToEndLatency999pct  list[float64] `json:"endToEndLatency999pct"`
	EndToEndLatency9999pct list[float64] `json:"endToEndLatency9999pct"`
	EndToEndLatencyMax     list[float64] `json:"endToEndLatencyMax"`

	AggregatedEndToEndLatencyQuantiles quantiles[float64] `json:"aggregatedEndToEndLatencyQuantiles"` // ms

	AggregatedEndToEndLatencyAvg     float64 `json:"aggregatedEndToEndLatencyAvg"` // ms
	AggregatedEndToEndLatency50pct   float64 `json:"aggregatedEndToEndLatency50pct"`
	AggregatedEndToEndLatency75pct   float64 `json:"aggregatedEndToEndLatency75pct"`
	AggregatedEndToEndLatency95pct   float64 `json:"aggregatedEndToEndLatency95pct"`
	AggregatedEndToEndLatency99pct   float64 `json:"aggregatedEndToEndLatency99pct"`
	AggregatedEndToEndLatency999pct  float64 `json:"aggregatedEndToEndLatency999pct"`
	AggregatedEndToEndLatency9999pct float64 `json:"aggregatedEndToEndLatency9999pct"`
	AggregatedEndToEndLatencyMax     float64 `json:"aggregatedEndToEndLatencyMax"`
}

// Of makes the result of a trial.
func Of(t *results.Trial) Result {
	r := header(t)
	for _, w := range windows(t) {
		r.addRates(w)
		r.addTimes(w)
	}
	r.aggregate(measured(t))
	return r
}

// ErrIncomplete is of a trial that lacks a log: OMB's form has no word for a
// time that is not known, and a chart would draw its zeros.
var ErrIncomplete = errors.New("no " + FileName + ", for want of a log")

// Write makes the file in the trial's directory.
func Write(t *results.Trial) error {
	for _, s := range series {
		if slices.Contains(t.Missing, s) {
			return fmt.Errorf("%s: %w of %s", t.Dir, ErrIncomplete, s)
		}
	}
	b, err := json.MarshalIndent(Of(t), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(t.Dir, FileName), append(b, '\n'), 0o644)
}

// header is what OMB takes from its workload, here from the resolved settings.
func header(t *results.Trial) Result {
	topics := max(1, setting(t, "load.topics", 1))
	return Result{
		Workload: t.Run.Workload, Driver: t.Run.Target,
		MessageSize: setting(t, "load.value_bytes", 0), Topics: topics, Partitions: setting(t, "load.partitions", 0),
		ProducersPerTopic: setting(t, "load.producers_per_topic", setting(t, "load.producers", 0)/topics),
		ConsumersPerTopic: setting(t, "load.consumers_per_subscription",
			max(0, setting(t, "load.consumers", 0))/topics/subscriptions(t)),
	}
}

// subscriptions is how many groups receive each record.
func subscriptions(t *results.Trial) int64 { return max(1, setting(t, "load.subscriptions", 1)) }

// setting as a number; of a list of them, as of topics that differ, the first.
func setting(t *results.Trial, key string, without int64) int64 {
	first, _, _ := strings.Cut(t.Run.Config[key], ",")
	n, err := strconv.ParseInt(strings.TrimSpace(first), 10, 64)
	if err != nil {
		return without
	}
	return n
}

// windowLength is how long an item of an array is: the workload's logIntervalMillis,
// but at least a second, which is what the files have.
func windowLength(t *results.Trial) float64 {
	d, err := time.ParseDuration(t.Run.Config["bench.log_interval"])
	if err != nil || d <= 0 {
		return windowSeconds
	}
	return max(1, d.Seconds())
}
