package matrix

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/workloads"
)

// command is what a matrix runs for each trial: one of the binary's own, that
// prints one JSON object.
type command interface {
	// takes says whether an axis sets something of it.
	takes(axis string) bool
	// axes says, for an error, which axes there are.
	axes() string
	// args is the command line of a cell. place is the file that a bench writes
	// to, or the directory in which a trial is made. The order is fixed, so that
	// equal cells have equal commands.
	args(settings map[string]string, place string) ([]string, error)
	// length is how long a trial takes, as far as one can tell beforehand.
	length(settings map[string]string) (time.Duration, error)
	// simulated names the models that stand for real parts; empty without.
	simulated(settings map[string]string) string
	// result makes the flat result of what was printed.
	result(printed map[string]any, place string) (map[string]any, error)
}

// commandOf finds what a matrix calls by that name: a bench, or a built-in
// workload, which becomes a trial on a broker.
func commandOf(name string) (command, bool) {
	if b, ok := benches[name]; ok {
		return b, true
	}
	if slices.Contains(workloads.Names(), name) {
		return brokerTrial{name}, true
	}
	return nil, false
}

func commandNames() string {
	return strings.Join(append(slices.Sorted(maps.Keys(benches)), workloads.Names()...), ", ")
}

// bench is a command that measures without a broker.
type bench struct {
	verb     []string
	flags    []string // those that may be axes; --wal is made of its parts
	switches []string // the ones among flags that take no value
	// commandOverhead is what a trial takes beyond its durations: starting,
	// opening, closing.
	commandOverhead time.Duration
	// scans: the whole ring is read at opening.
	scans bool
}

// benches by the name that a matrix calls them.
var benches = map[string]bench{
	"iopath-bench": {
		verb:            []string{"iopath", "bench"},
		flags:           []string{"block", "depth", "duration", "fio"},
		switches:        []string{"fio"},
		commandOverhead: 300 * time.Millisecond,
	},
	"wal-bench": {
		verb:            []string{"wal", "bench"},
		flags:           []string{"record", "appenders", "rate", "duration", "fio"},
		switches:        []string{"fio"},
		commandOverhead: 1300 * time.Millisecond, // it warms up for a second
		scans:           true,
	},
}

const (
	fioJobs       = 2                      // io_uring and psync
	fioOverhead   = 400 * time.Millisecond // of starting one
	benchDuration = 10 * time.Second       // what both commands take by default
	defaultWAL    = "pwrite:?capacity=1GiB"
)

// takes says whether an axis sets something of this command.
func (b bench) takes(axis string) bool {
	return axis == "wal" || strings.HasPrefix(axis, "wal.") || slices.Contains(b.flags, axis)
}

func (b bench) axes() string {
	return "wal, wal.path, wal.KEY of a WAL URL, or one of " + strings.Join(b.flags, ", ")
}

// simulated is the model that a cell's WAL is behind.
func (b bench) simulated(settings map[string]string) string {
	text, err := walURL(settings, placeholder)
	if err != nil {
		return ""
	}
	return modelIn(text)
}

// modelIn is the key model of a URL.
func modelIn(text string) string {
	_, query, _ := strings.Cut(text, "?")
	keys, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	return keys.Get("model")
}

// result is flat already.
func (b bench) result(printed map[string]any, _ string) (map[string]any, error) { return printed, nil }

// walURL puts the settings of a cell together. File stands in for the path of
// every scheme that has one.
func walURL(settings map[string]string, file string) (string, error) {
	base := defaultWAL
	if v, ok := settings["wal"]; ok {
		base = v
	}
	scheme, rest, ok := strings.Cut(base, ":")
	own, query, _ := strings.Cut(rest, "?")
	if !ok || own != "" {
		return "", fmt.Errorf("axis wal: %q: want SCHEME:?key=value, without a path", base)
	}
	keys, err := url.ParseQuery(query)
	if err != nil {
		return "", fmt.Errorf("axis wal: %q: %w", base, err)
	}
	for axis, value := range settings {
		key, isWAL := strings.CutPrefix(axis, "wal.")
		switch {
		case isWAL && key == "path":
			scheme = value
		case isWAL:
			keys.Set(key, value)
		}
	}
	if scheme == iopath.SchemeMem {
		file = ""
	}
	// Commas need no escape and read better without.
	text := scheme + ":" + file + "?" + strings.ReplaceAll(keys.Encode(), "%2C", ",")
	_, err = iopath.ParseURL(text)
	return text, err
}

func (b bench) args(settings map[string]string, file string) ([]string, error) {
	wal, err := walURL(settings, file)
	if err != nil {
		return nil, err
	}
	out := append(slices.Clone(b.verb), "--wal", wal)
	for _, f := range b.flags {
		v, given := settings[f]
		switch {
		case !given:
		case slices.Contains(b.switches, f) && v == "true":
			out = append(out, "--"+f)
		case slices.Contains(b.switches, f) && v == "false":
		case slices.Contains(b.switches, f):
			return nil, fmt.Errorf("axis %s: %q: want true or false", f, v)
		default:
			out = append(out, "--"+f, v)
		}
	}
	return append(out, "--json"), nil
}

func (b bench) length(settings map[string]string) (time.Duration, error) {
	d := benchDuration
	if v, ok := settings["duration"]; ok {
		var err error
		if d, err = units.ParseDuration(v); err != nil {
			return 0, fmt.Errorf("axis duration: %w", err)
		}
	}
	total := d + b.commandOverhead
	if settings["fio"] == "true" {
		total += fioJobs * (d + fioOverhead)
	}
	if b.scans {
		total += scanTime(settings)
	}
	return total, nil
}

// scanTime is a guess by the size of the ring and the kind of its device.
func scanTime(settings map[string]string) time.Duration {
	text, err := walURL(settings, placeholder)
	if err != nil {
		return 0 // newCell reports it
	}
	spec, err := iopath.ParseURL(text)
	if err != nil {
		return 0
	}
	rate := int64(700 * units.MiB) // bytes a second: a local disk
	if spec.Simulated() {
		rate = 125 * units.MiB // gp3 at its base; io2 is faster
	}
	return time.Duration(spec.Capacity * int64(time.Second) / rate)
}
