package target

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/tidelog/tide/iopath"
	"github.com/tidelog/tide/results"
)

// Kinds of targets, as they are named on a command line.
const (
	Tide        = "tide"
	Null        = "null"
	Kafka       = "kafka"
	KafkaTiered = "kafka-tiered"
)

// Spec is a target as it is written on a command line:
//
//	tide                             the broker with this machine's defaults
//	tide?wal=uring:&log-cache=1GiB   any flag of tide broker, by name
//	tide?s3=versitygw                … with its objects in an S3 server that is started beside it
//	null                             the same wire layer, without WAL and store
//	kafka?flush=1&profile=tuned      Apache Kafka
//	kafka?num.io.threads=4           … with any setting of its server.properties
//	kafka-tiered?model=s3-standard   … with tiered storage in such a server, behind a model of S3's time
//	HOST:PORT                        something that runs already
//
// Everything that is started here takes cpus=0-1 and memory=2GiB as well.
type Spec struct {
	Text    string            // as given
	Kind    string            // one of the constants above; Tide when empty, and no matter with an Address
	Address string            // HOST:PORT, when it runs already
	Flags   map[string]string // of tide broker
	Keys    map[string]string // what is no flag of tide broker

	from string // name of the file that has settings of it; "" for none
}

// Name is what results call it: the row as it was given, and behind its kind the
// file that it has settings from, so that rows which differ in it alone are told
// apart: kafka+FILE?flush=1.
func (s Spec) Name() string {
	if s.from == "" {
		return s.Text
	}
	return s.Kind + "+" + s.from + strings.TrimPrefix(s.Text, s.Kind)
}

// says tells whether a row itself has a key.
func (s Spec) says(key string) bool {
	_, query, _ := strings.Cut(s.Text, "?")
	values, err := url.ParseQuery(query)
	return err == nil && values.Has(key)
}

// kind says which keys a kind of target takes, beside limitKeys. Of the others
// it makes flags of the broker, if it is one of ours, or settings of Kafka's.
type kind struct {
	keys       []string
	flags      bool
	properties bool
}

var limitKeys = []string{"cpus", "memory"}

var kinds = map[string]kind{
	Tide:        {keys: []string{"s3", "model"}, flags: true},
	Null:        {flags: true},
	Kafka:       {keys: []string{"flush", "profile", "heap", "jvm"}, properties: true},
	KafkaTiered: {properties: true, keys: []string{"flush", "profile", "heap", "jvm", "s3", "model", "rsm", "store", "segment", "cache", "prefetch", "part"}},
}

// ParseSpec refuses what it does not know, before anything is started.
func ParseSpec(text string) (Spec, error) { return parseSpec(text, nil) }

// parseSpec puts the keys of a row over those of a file.
func parseSpec(text string, below map[string]string) (Spec, error) {
	name, query, _ := strings.Cut(text, "?")
	k, known := kinds[name]
	if !known {
		if _, _, err := net.SplitHostPort(text); err != nil {
			return Spec{}, fmt.Errorf("target %q: want %s or HOST:PORT", text,
				strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
		}
		return Spec{Text: text, Address: text}, nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return Spec{}, fmt.Errorf("target %q: %w (write & and %% inside a value as %%26 and %%25)", text, err)
	}
	for key, value := range below {
		if _, given := values[key]; !given {
			values[key] = []string{value}
		}
	}
	s := Spec{Text: text, Kind: name, Flags: map[string]string{}, Keys: map[string]string{}}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		faults = append(faults, s.set(k, name, values[name]))
	}
	if err := errors.Join(append(faults, s.validate())...); err != nil {
		return Spec{}, fmt.Errorf("target %q: %w", text, err)
	}
	return s, nil
}

// owned flags are set by whoever starts the broker.
var owned = []string{"data", "listen", "admin", "advertise", "config"}

func (s *Spec) set(k kind, name string, v []string) error {
	switch {
	case slices.Contains(owned, name):
		return fmt.Errorf("flag %s is set by the benchmark itself", name)
	case len(v) != 1 || v[0] == "":
		return fmt.Errorf("%s: want one value", name)
	case slices.Contains(k.keys, name) || slices.Contains(limitKeys, name):
		s.Keys[name] = v[0]
	case k.flags:
		s.Flags[name] = v[0]
	case k.properties && isProperty(name):
		return s.setProperty(name, v[0])
	default:
		return fmt.Errorf("%s is no key of %s: want %s", name, s.Kind, k.takes())
	}
	return nil
}

// takes lists the keys, for a message.
func (k kind) takes() string {
	keys := append(slices.Clone(k.keys), limitKeys...)
	if k.properties {
		keys = append(keys, "or a setting of server.properties")
	}
	return strings.Join(keys, ", ")
}

// validate checks what can be checked without starting anything.
func (s Spec) validate() error {
	_, limitErr := parseLimits(s.Keys["cpus"], s.Keys["memory"])
	_, storeErr := s.beside()
	errs := []error{limitErr, storeErr}
	switch s.Kind {
	case Kafka, KafkaTiered:
		_, err := s.rival()
		errs = append(errs, err)
	case Null:
		for _, flag := range []string{"wal", "store"} {
			if s.Flags[flag] != "" {
				errs = append(errs, fmt.Errorf("%s: %s has none; use tide?%s=%s", flag, Null, flag, s.Flags[flag]))
			}
		}
	}
	return errors.Join(errs...)
}

// Args are the flags for a broker whose data lies in dir, in a fixed order.
// The WAL URL gets a path and a capacity where it has none.
func (s Spec) Args(dir, walCapacity string) ([]string, error) {
	if s.Kind == Null {
		return append([]string{"--data", dir, "--wal", "null:", "--store", "null:"}, s.flags()...), nil
	}
	wal, err := iopath.FillURL(s.Flags["wal"], dir, walCapacity)
	if err != nil {
		return nil, err
	}
	return append([]string{"--data", dir, "--wal", wal}, s.flags()...), nil
}

// flags are all but wal, sorted by name.
func (s Spec) flags() []string {
	var args []string
	for _, n := range slices.Sorted(maps.Keys(s.Flags)) {
		if n != "wal" {
			// One word, so that a value that starts with a dash stays a value.
			args = append(args, "--"+n+"="+s.Flags[n])
		}
	}
	return args
}

// Durability is what an acknowledgement of this target has survived, in a topic
// that was created with these settings: Kafka takes some from there.
func (s Spec) Durability(topic map[string]string) (results.Durability, error) {
	switch {
	case s.Address != "":
		return results.Durability{Acks: "all", Flush: "not known", PowerCut: "not known: the target runs elsewhere"}, nil
	case s.Kind == Null:
		return results.Durability{Acks: "all", Flush: "none", Replicas: 0, PowerCut: "nothing is stored at all"}, nil
	case s.Kind == Kafka || s.Kind == KafkaTiered:
		r, err := s.rival()
		return r.durability(topic), err
	}
	return Durability(s.Flags["wal"])
}

// Discards says that what the target acknowledges cannot be read back later.
func (s Spec) Discards() bool {
	return s.Kind == Null || strings.HasPrefix(s.Flags["store"], "null:")
}

// TopicConfig is what topics must be created with to be what the target is for.
func (s Spec) TopicConfig() map[string]string {
	if s.Kind == KafkaTiered {
		return map[string]string{"remote.storage.enable": "true"}
	}
	return nil
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
