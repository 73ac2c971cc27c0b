package matrix

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/iopath"
)

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

// outcome is flat already, and a bench judges nothing.
func (b bench) outcome(printed map[string]any, _ string) (outcome, error) {
	return outcome{result: printed}, nil
}

// targets: it starts nothing else.
func (b bench) targets() bool { return false }

// identity is its name alone.
func (b bench) identity() string { return "" }

// needs is the file under test; the second kind of bench has another.
func (b bench) needs(settings map[string]string) need {
	text, err := walURL(settings, placeholder)
	if err != nil {
		return need{}
	}
	return need{disk: walBytes(text)}
}

// prepare has nothing to do.
func (b bench) prepare(map[string]string, string) error { return nil }

// walURL puts the settings of a cell together. File stands in for the path of
// every scheme that has one.
func walURL(settings map[string]string, file string) (string, error) {
	base := defaultWAL
	if v, ok := settings["wal"]; ok {
		base = v
	}
	if _, rest, _ := strings.Cut(base, ":"); rest != "" && rest[0] != '?' {
		return "", fmt.Errorf("axis wal: %q: want SCHEME:?key=value, without a path", base)
	}
	return mergeWAL(base, settings, file)
}

// mergeWAL sets the keys of the axes wal.KEY in a URL. File stands in where it
// has no path.
func mergeWAL(base string, settings map[string]string, file string) (string, error) {
	scheme, rest, ok := strings.Cut(base, ":")
	own, query, _ := strings.Cut(rest, "?")
	if !ok {
		return "", fmt.Errorf("axis wal: %q: want SCHEME:?key=value", base)
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
	switch {
	case scheme == iopath.SchemeMem:
		file = ""
	case own != "":
		file = own
	}
	text := scheme + ":" + file
	if len(keys) > 0 {
		// Commas need no escape and read better without.
		text += "?" + strings.ReplaceAll(keys.Encode(), "%2C", ",")
	}
	spec, err := iopath.ParseURL(text)
	if err == nil {
		err = fits(spec)
	}
	return text, err
}

// fits refuses a block that no window can hold: the log would cut it down to
// the window, and the cell would not be what it says. The size from which a
// block is sealed counts; the one it may grow to is cut down by design.
func fits(s iopath.Spec) error {
	if s.BlockSoft > 0 && s.WindowLimit > 0 && s.BlockSoft > s.WindowLimit {
		return fmt.Errorf("wal.block %s does not fit into wal.window %s: add the constraint wal.block <= wal.window",
			units.Size(s.BlockSoft), units.Size(s.WindowLimit))
	}
	return nil
}

// walBytes is what a WAL takes on the disk; one on a modelled volume in memory
// takes nothing.
func walBytes(text string) int64 {
	spec, err := iopath.ParseURL(text)
	if err != nil || spec.Scheme == iopath.SchemeMem {
		return 0
	}
	return spec.Capacity
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
	rate := int64(1500 * units.MiB) // bytes a second: a local disk
	if spec.Simulated() {
		rate = 125 * units.MiB // gp3 at its base; io2 is faster
	}
	return time.Duration(spec.Capacity * int64(time.Second) / rate)
}
