package target

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/results"
)

// Spec is a target as it is written on a command line:
//
//	tide                             the broker with this machine's defaults
//	tide?wal=uring:&log-cache=1GiB   any flag of tide broker, by name
//	HOST:PORT                        something that runs already
type Spec struct {
	Text    string            // as given
	Address string            // HOST:PORT, when it runs already
	Flags   map[string]string // of tide broker
}

// ParseSpec refuses what it does not know, before anything is started.
func ParseSpec(text string) (Spec, error) {
	name, query, _ := strings.Cut(text, "?")
	if name != "tide" {
		if _, _, err := net.SplitHostPort(text); err != nil {
			return Spec{}, fmt.Errorf("target %q: want tide, tide?FLAG=VALUE or HOST:PORT", text)
		}
		return Spec{Text: text, Address: text}, nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return Spec{}, fmt.Errorf("target %q: %w (write & and %% inside a value as %%26 and %%25)", text, err)
	}
	s := Spec{Text: text, Flags: map[string]string{}}
	for name, v := range values {
		if err := checkFlag(name, v); err != nil {
			return Spec{}, fmt.Errorf("target %q: %w", text, err)
		}
		s.Flags[name] = v[0]
	}
	return s, nil
}

// owned flags are set by whoever starts the broker.
var owned = []string{"data", "listen", "admin", "advertise", "config"}

func checkFlag(name string, v []string) error {
	switch {
	case slices.Contains(owned, name):
		return fmt.Errorf("flag %s is set by the benchmark itself", name)
	case len(v) != 1 || v[0] == "":
		return fmt.Errorf("flag %s: want one value", name)
	}
	return nil
}

// Args are the flags for a broker whose data lies in dir, in a fixed order.
// The WAL URL gets a path and a capacity where it has none.
func (s Spec) Args(dir, walCapacity string) ([]string, error) {
	wal, err := iopath.FillURL(s.Flags["wal"], dir, walCapacity)
	if err != nil {
		return nil, err
	}
	args := []string{"--data", dir, "--wal", wal}
	names := make([]string, 0, len(s.Flags))
	for n := range s.Flags {
		if n != "wal" {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		// One word, so that a value that starts with a dash stays a value.
		args = append(args, "--"+n+"="+s.Flags[n])
	}
	return args, nil
}

// Durability is what a result must say about a WAL URL.
func Durability(wal string) (results.Durability, error) {
	scheme, rest, _ := strings.Cut(wal, ":")
	_, query, _ := strings.Cut(rest, "?")
	keys, err := url.ParseQuery(query)
	if err != nil {
		return results.Durability{}, fmt.Errorf("WAL URL %q: %w", wal, err)
	}
	flush := keys.Get("durability")
	if flush == "" {
		flush = map[string]string{"mem": "none", "fsync": "fdatasync"}[scheme]
	}
	if flush == "" {
		flush = "dsync"
	}
	cut, ok := powerCut[flush]
	if !ok {
		return results.Durability{}, errors.New("durability " + flush + ": want dsync, direct, fdatasync or none")
	}
	return results.Durability{Acks: "all", Flush: flush, Replicas: 1, PowerCut: cut}, nil
}

// powerCut is what each way of flushing leaves after a power cut.
var powerCut = map[string]string{
	"dsync":     "a power cut loses nothing acknowledged",
	"fdatasync": "a power cut loses nothing acknowledged",
	"direct":    "a power cut loses nothing acknowledged if the device has no volatile write cache",
	"none":      "a power cut may lose acknowledged records",
}
