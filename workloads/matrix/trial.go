package matrix

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads"
)

const (
	// axisQuick shortens a trial, as --quick of tide bench does.
	axisQuick = "quick"
	// loadAxis begins the name of an axis that is a key of the workload's YAML.
	loadAxis = "load."
)

// brokerTrial runs a workload on a target of its own: tide bench.
type brokerTrial struct {
	name string // as it is given: a built-in name, or a file
	w    workloads.Workload
}

func (b brokerTrial) takes(axis string) bool { return isOfBroker(axis) || isOfLoad(axis) }

// isOfLoad says that an axis is the same for every target.
func isOfLoad(axis string) bool { return axis == axisQuick || strings.HasPrefix(axis, loadAxis) }

// isOfBroker says that an axis sets something of tide.
func isOfBroker(axis string) bool {
	return axis == "wal" || axis == "store" || strings.HasPrefix(axis, "wal.") || strings.HasPrefix(axis, "store.") ||
		slices.Contains(brokerFlags, axis)
}

func (b brokerTrial) axes() string {
	return "quick, load.KEY of a workload's YAML, wal, wal.path, wal.KEY of a WAL URL, store, store.KEY of a store URL, or a flag of the broker: " +
		strings.Join(brokerFlags, ", ")
}

func (b brokerTrial) targets() bool { return true }

// identity of a file is its content.
func (b brokerTrial) identity() string {
	if !isFile(b.name) {
		return ""
	}
	return digest(b.w.Source())
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:6])
}

func (b brokerTrial) args(settings map[string]string, place string) ([]string, error) {
	spec, errTarget := targetOf(settings)
	file, _, errLoad := b.overridden(settings, place)
	out := []string{"bench", cmp.Or(file, b.name), "--target", spec, "--out", place, "--json"}
	var errQuick error
	switch v := settings[axisQuick]; v {
	case "", "false":
	case "true":
		out = append(out, "--quick")
	default:
		errQuick = fmt.Errorf("axis quick: %q: want true or false", v)
	}
	if err := errors.Join(errTarget, errLoad, errQuick); err != nil {
		return nil, err
	}
	return out, nil
}

// overridden is the file of the workload with the keys of the axes load.KEY,
// and its content; none without such an axis. It stays beside the trials, so
// that a trial's command can be run again by hand.
func (b brokerTrial) overridden(settings map[string]string, place string) (string, []byte, error) {
	values := map[string]string{}
	for axis, v := range settings {
		if key, ok := strings.CutPrefix(axis, loadAxis); ok {
			values[key] = v
		}
	}
	if len(values) == 0 {
		return "", nil, nil
	}
	content, err := workloads.Override(b.w.Source(), values)
	if err != nil {
		if faults, other := keysOf(err); other == nil {
			for i, f := range faults { // lines of a file that nobody has
				_, text, _ := strings.Cut(f.Error(), ": ")
				faults[i] = errors.New(text)
			}
			err = fmt.Errorf("workload: %w", errors.Join(faults...))
		}
		return "", nil, fmt.Errorf("axes load.: %w", err)
	}
	return filepath.Join(filepath.Dir(place), "workloads", b.w.Name+"-"+digest(content)+".yaml"), content, nil
}

func (b brokerTrial) prepare(settings map[string]string, place string) error {
	file, content, err := b.overridden(settings, place)
	if err != nil || file == "" {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}

// workload of a cell, with the keys of its axes.
func (b brokerTrial) workload(settings map[string]string) (workloads.Workload, error) {
	_, content, err := b.overridden(settings, placeholder)
	if err != nil || content == nil {
		return b.w, err
	}
	return workloads.Parse(content)
}

// Guesses for the time of a trial.
const (
	trialOverhead = 3 * time.Second // starting, waiting for uploads, drawing the report
	kafkaOverhead = 4 * time.Second // the same of a JVM
	tieredBeyond  = 3 * time.Second // and of one that uploads segments; of an S3 server beside a target, too
	verifyRate    = 1 * units.GiB   // bytes a second, read back at the end
	backlogRate   = 150 * units.MiB // bytes a second, written as well as read
	closedRate    = 700 * units.MiB // bytes a second, of a closed loop on a fast disk
	quickBacklog  = 8               // a quick trial writes as small a part of a back-log
	quickFetches  = 4
	usualProbes   = 10               // of a search for the highest rate
	leastFill     = 512 * units.MiB  // what a quick trial fills, if there was as much
	quickLongest  = 30 * time.Second // warm-up and run of a quick trial
)

func (b brokerTrial) length(settings map[string]string) (time.Duration, error) {
	w, err := b.workload(settings)
	if err != nil {
		return 0, err
	}
	run, fetches := w.WarmUp()+w.Duration(), w.ColdFetches()
	if settings[axisQuick] == "true" {
		run, fetches = min(run, quickLongest), fetches/quickFetches
	}
	// What is filled is written only; a back-log is read back too, and beside a
	// load it is written at the load's rate.
	moved := filled(w, settings) + 2*backlog(w, settings)
	if w.Beside() {
		moved /= 2
		run += w.BuildTime(backlog(w, settings))
	}
	overhead := overheadOn(settings[axisTarget])
	if w.Verify && moved == 0 { // what is read back as a back-log is verified then
		overhead += transfer(b.payload(settings), verifyRate)
	}
	one := overhead + run + fetches + transfer(moved, backlogRate)
	if w.Searches() {
		return usualProbes * one, nil
	}
	return one, nil
}

// transfer is how long bytes take at a rate. Terabytes times nanoseconds do not
// fit into 63 bits.
func transfer(bytes, rate int64) time.Duration {
	return time.Duration(float64(bytes) / float64(rate) * float64(time.Second))
}

// overheadOn a target is what a trial takes beyond its load.
func overheadOn(target string) time.Duration {
	overhead := trialOverhead
	if strings.HasPrefix(target, "kafka") {
		overhead = kafkaOverhead
	}
	if strings.HasPrefix(target, "kafka-tiered") || strings.Contains(target, "s3=") {
		overhead += tieredBeyond
	}
	return overhead
}

// filled is what is written before the load begins, in bytes.
func filled(w workloads.Workload, settings map[string]string) int64 {
	b := w.Fill()
	if settings[axisQuick] == "true" {
		return max(b/quickBacklog, min(b, leastFill))
	}
	return b
}

// backlog is what is written to be read back, in bytes.
func backlog(w workloads.Workload, settings map[string]string) int64 {
	if settings[axisQuick] == "true" {
		return w.Backlog() / quickBacklog
	}
	return w.Backlog()
}

// payload is how many bytes a trial writes.
func (b brokerTrial) payload(settings map[string]string) int64 {
	w, err := b.workload(settings)
	if err != nil {
		return 0 // newCell reports it
	}
	run := w.WarmUp() + w.Duration()
	if settings[axisQuick] == "true" {
		run = min(run, quickLongest)
	}
	before := filled(w, settings) + backlog(w, settings)
	switch {
	case before > 0 && w.Closed:
		return before
	case w.Closed:
		return int64(float64(closedRate) * run.Seconds())
	}
	return before + int64(float64(w.ProducerRate)*float64(w.MessageSize)*run.Seconds())
}

// outcome is made of the trial's directory: every figure of run.json by its name,
// and the percentiles of every series in µs, as fetch.response.p99. A phase that
// is named run is the one that counts for produce and end to end.
func (b brokerTrial) outcome(printed map[string]any, place string) (outcome, error) {
	id, ok := printed["id"].(string)
	if !ok || id == "" || id != filepath.Base(id) {
		return outcome{}, errors.New("what it printed is no run.json: it has no id")
	}
	t, err := results.Load(filepath.Join(place, id))
	if err != nil {
		return outcome{}, err
	}
	o := outcome{verdict: t.Run.Verdict.Word, result: flat(t)}
	o.result["trial"] = id
	for _, w := range t.Warnings() {
		o.warnings = append(o.warnings, w.String())
	}
	var reasons []string
	for _, r := range t.Run.Verdict.Reasons {
		reasons = append(reasons, r.String())
	}
	o.reasons = strings.Join(reasons, "; ")
	return o, nil
}
