package matrix

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tidelog/tide/internal/units"
	"github.com/tidelog/tide/results/cost"
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
	// axisTarget is the setting of a cell that says what it runs against. Cells
	// of a matrix that is about tide alone have none.
	axisTarget = "target"
	tideTarget = "tide"
	// none as the value of a key of a URL leaves it out.
	none = "none"
	// defaultWALOfBroker and defaultStore are what settings are added to: the
	// broker's own places, and the bench's own capacity.
	defaultWALOfBroker = "pwrite:"
	defaultStore       = "dir:"
)

// isTide says whether axes of the broker mean anything to a target.
func isTide(text string) bool { return text == tideTarget || strings.HasPrefix(text, tideTarget+"?") }

// targetOf a cell is its target with the broker's settings merged in.
func targetOf(settings map[string]string) (string, error) {
	base := cmp.Or(settings[axisTarget], tideTarget)
	if _, err := target.ParseSpec(base); err != nil || !isTide(base) {
		return base, err
	}
	_, query, _ := strings.Cut(base, "?")
	flags, err := url.ParseQuery(query) // keys that are no flag of the broker among them
	if err != nil {
		return "", fmt.Errorf("target %q: %w", base, err)
	}
	for _, f := range brokerFlags {
		if v, ok := settings[f]; ok {
			if flags.Has(f) {
				return "", fmt.Errorf("target %s sets %s, which is an axis too: leave one of them out", base, f)
			}
			flags.Set(f, v)
		}
	}
	if err := errors.Join(mergeURL(flags, settings, "wal", brokerWAL), mergeURL(flags, settings, "store", storeURL)); err != nil {
		return "", err
	}
	text := tideTarget
	if len(flags) > 0 {
		// All commas are escaped: tide bench takes one for the end of a target.
		text += "?" + flags.Encode()
	}
	_, err = target.ParseSpec(text)
	return text, err
}

// mergeURL sets the flag wal or store, where a cell has an axis of it.
func mergeURL(flags url.Values, settings map[string]string, flag string, merge func(base string, settings map[string]string) (string, error)) error {
	if !sets(settings, flag) {
		return nil
	}
	base := flags.Get(flag)
	if v, ok := settings[flag]; ok {
		if base != "" {
			return fmt.Errorf("target %s sets %s, which is an axis too: leave one of them out", settings[axisTarget], flag)
		}
		base = v
	}
	text, err := merge(base, settings)
	flags.Set(flag, text)
	return err
}

// brokerWAL has no path unless the cell gives one: the broker has a place of its
// own for the file.
func brokerWAL(base string, settings map[string]string) (string, error) {
	text, err := mergeWAL(cmp.Or(base, defaultWALOfBroker), settings, placeholder)
	return strings.Replace(text, ":"+placeholder, ":", 1), err
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
func storeURL(base string, settings map[string]string) (string, error) {
	scheme, rest, ok := strings.Cut(cmp.Or(base, defaultStore), ":")
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

// flagsOf are the broker's flags of a cell; none where it is not tide.
func flagsOf(settings map[string]string) map[string]string {
	text, err := targetOf(settings)
	if err != nil || !isTide(text) {
		return nil
	}
	spec, err := target.ParseSpec(text)
	if err != nil {
		return nil // it came out of targetOf
	}
	return spec.Flags
}

func (b brokerTrial) simulated(settings map[string]string) string {
	var models []string
	flags := flagsOf(settings)
	for _, part := range []string{"wal", "store"} {
		if m := modelIn(flags[part]); m != "" {
			models = append(models, part+" "+m)
		}
	}
	return strings.Join(models, ", ")
}

// What a broker has of its own.
const (
	brokerWALBytes  = 2 * units.GiB
	brokerThreshold = 64 * units.MiB
	brokerPart      = 32 * units.MiB
	brokerBlock     = 1 * units.MiB
)

// needs of a trial: what it writes stays until its end, in the log or beside it.
func (b brokerTrial) needs(settings map[string]string) need {
	written := b.payload(settings)
	switch on := cmp.Or(settings[axisTarget], tideTarget); {
	case isTide(on):
		return tideNeeds(flagsOf(settings), written)
	case strings.HasPrefix(on, "kafka-tiered"):
		return need{disk: 2 * written} // its local log, and the objects
	case strings.HasPrefix(on, "kafka"):
		return need{disk: written}
	case strings.HasPrefix(on, "null"):
		return need{}
	default:
		return need{unknown: on}
	}
}

func tideNeeds(flags map[string]string, written int64) need {
	n := need{disk: brokerWALBytes}
	if wal := flags["wal"]; wal != "" {
		n.disk = 0
		if spec, err := mergeWAL(wal, nil, placeholder); err == nil {
			n.disk = walBytes(spec)
			if !strings.HasPrefix(spec, "mem:") && n.disk == 0 {
				n.disk = brokerWALBytes
			}
		}
	}
	u, err := url.Parse(flags["store"])
	switch {
	case flags["store"] == "" || err == nil && u.Scheme == "dir":
		n.disk += written
	case err == nil && u.Scheme == "s3" && isPaid(u.Query().Get("endpoint")):
		n.paid = "s3://" + u.Host
		n.requests = requests(flags, written)
	}
	return n
}

// isPaid tells Amazon from a server of one's own.
func isPaid(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return endpoint == "" || err == nil && strings.HasSuffix(u.Hostname(), ".amazonaws.com")
}

// requests of writing once and reading back once, to verify it.
func requests(flags map[string]string, written int64) cost.Requests {
	size := func(flag string, def int64) float64 {
		if n, err := units.ParseSize(flags[flag]); err == nil && n > 0 {
			return float64(n)
		}
		return float64(def)
	}
	bytes := float64(written)
	objects := bytes/size("upload-threshold", brokerThreshold) + 1
	return cost.Requests{
		Puts:     2*objects + bytes/size("upload-part", brokerPart), // begin, end and parts
		Gets:     bytes / size("object-block", brokerBlock),
		PutBytes: bytes, GetBytes: bytes,
	}
}
