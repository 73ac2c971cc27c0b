package matrix

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/results"
	"github.com/tidelog/tide/workloads"
	"github.com/tidelog/tide/workloads/target"
)

// brokerFlags are the flags of tide broker that may be axes.
var brokerFlags = []string{
	"block-cache", "compact", "compact-interval", "compact-rate", "compact-target", "log-cache", "object-block", "object-split", "policy", "prefetch", "store-rate", "store-reads", "store-writes",
	"upload-interval", "upload-part", "upload-threshold",
}

// BrokerFlags are the flags of tide broker that may be axes of a matrix.
func BrokerFlags() []string { return slices.Clone(brokerFlags) }

const (
	// axisQuick shortens a trial, as --quick of tide bench does.
	axisQuick = "quick"
	// none as the value of a key of a URL leaves it out.
	none = "none"
	// defaultStore is what the settings of a store are added to: the broker's own place.
	defaultStore = "dir:"
)

// brokerTrial runs a built-in workload on a broker of its own: tide bench.
type brokerTrial struct{ workload string }

func (b brokerTrial) takes(axis string) bool {
	return axis == "wal" || axis == "store" || axis == axisQuick ||
		strings.HasPrefix(axis, "wal.") || strings.HasPrefix(axis, "store.") || slices.Contains(brokerFlags, axis)
}

func (b brokerTrial) axes() string {
	return "quick, wal, wal.path, wal.KEY of a WAL URL, store, store.KEY of a store URL, or a flag of the broker: " + strings.Join(brokerFlags, ", ")
}

func (b brokerTrial) args(settings map[string]string, place string) ([]string, error) {
	spec, err := b.target(settings)
	if err != nil {
		return nil, err
	}
	out := []string{"bench", b.workload, "--target", spec, "--out", place, "--json"}
	switch v := settings[axisQuick]; v {
	case "", "false":
		return out, nil
	case "true":
		return append(out, "--quick"), nil
	default:
		return nil, fmt.Errorf("axis quick: %q: want true or false", v)
	}
}

// target is the broker with the settings of a cell.
func (b brokerTrial) target(settings map[string]string) (string, error) {
	flags := url.Values{}
	for _, f := range brokerFlags {
		if v, ok := settings[f]; ok {
			flags.Set(f, v)
		}
	}
	if sets(settings, "wal") {
		text, err := walURL(settings, placeholder)
		if err != nil {
			return "", err
		}
		// The broker has a place of its own for the file.
		flags.Set("wal", strings.Replace(text, ":"+placeholder, ":", 1))
	}
	if sets(settings, "store") {
		text, err := storeURL(settings)
		if err != nil {
			return "", err
		}
		flags.Set("store", text)
	}
	text := "tide"
	if len(flags) > 0 {
		// All commas are escaped: tide bench takes one for the end of a target.
		text += "?" + flags.Encode()
	}
	_, err := target.ParseSpec(text)
	return text, err
}

// sets says whether a cell has the axis, or one that begins with it and a dot.
func sets(settings map[string]string, axis string) bool {
	for name := range settings {
		if name == axis || strings.HasPrefix(name, axis+".") {
			return true
		}
	}
	return false
}

// storeURL puts the settings of a cell together. The broker completes a dir:
// without a path; what it does not know it refuses.
func storeURL(settings map[string]string) (string, error) {
	base := defaultStore
	if v, ok := settings["store"]; ok {
		base = v
	}
	scheme, rest, ok := strings.Cut(base, ":")
	path, query, _ := strings.Cut(rest, "?")
	keys, err := url.ParseQuery(query)
	if !ok || err != nil {
		return "", errors.Join(fmt.Errorf("axis store: %q: want SCHEME:?key=value", base), err)
	}
	for axis, value := range settings {
		key, isStore := strings.CutPrefix(axis, "store.")
		switch {
		case isStore && key == "path":
			scheme = value
		case isStore && value == none:
			keys.Del(key)
		case isStore:
			keys.Set(key, value)
		}
	}
	text := scheme + ":" + path
	if len(keys) > 0 {
		text += "?" + keys.Encode()
	}
	return text, nil
}

// Guesses for the time of a trial.
const (
	trialOverhead = 5 * time.Second // starting twice or more, waiting for uploads, drawing the report
	backlogRate   = 150 * units.MiB // bytes a second, written as well as read
	quickBacklog  = 8               // a quick trial writes as small a part of a back-log
	quickFetches  = 4
)

func (b brokerTrial) length(settings map[string]string) (time.Duration, error) {
	w, err := workloads.Open(b.workload)
	if err != nil {
		return 0, err
	}
	run, backlog, fetches := w.WarmUp()+w.Duration(), w.Backlog()+w.Fill(), w.ColdFetches()
	if settings[axisQuick] == "true" {
		run, backlog, fetches = min(run, 30*time.Second), backlog/quickBacklog, fetches/quickFetches
	}
	return trialOverhead + run + fetches + time.Duration(2*backlog*int64(time.Second)/backlogRate), nil
}

func (b brokerTrial) simulated(settings map[string]string) string {
	var models []string
	for _, part := range []struct {
		name string
		url  func() (string, error)
	}{
		{"wal", func() (string, error) { return walURL(settings, placeholder) }},
		{"store", func() (string, error) { return storeURL(settings) }},
	} {
		if text, err := part.url(); err == nil && modelIn(text) != "" {
			models = append(models, part.name+" "+modelIn(text))
		}
	}
	return strings.Join(models, ", ")
}

// result is made of the trial's directory: every figure of run.json by its name,
// and the percentiles of every series in µs, as fetch.response.p99. A phase that
// is named run is the one that counts for produce and end to end.
func (b brokerTrial) result(printed map[string]any, place string) (map[string]any, error) {
	id, ok := printed["id"].(string)
	if !ok || id == "" || id != filepath.Base(id) {
		return nil, errors.New("what it printed is no run.json: it has no id")
	}
	t, err := results.Load(filepath.Join(place, id))
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"trial": id, "verdict": t.Run.Verdict.Word, "durability": t.Run.Durability.Flush, "simulated": strings.Join(t.Run.Simulated, ", "),
	}
	for name, f := range t.Run.Figures {
		out[name] = f.Value
	}
	measured := ""
	if _, ok := t.Phase("run"); ok {
		measured = "run"
	}
	for s := range results.SeriesCount {
		h := t.Merged(s, measured)
		for _, at := range []struct {
			name string
			at   float64
		}{{"p50", 50}, {"p99", 99}, {"p999", 99.9}} {
			if h.TotalCount() > 0 {
				out[s.String()+"."+at.name] = float64(h.ValueAtPercentile(at.at)) / float64(time.Microsecond)
			}
		}
	}
	return out, nil
}
