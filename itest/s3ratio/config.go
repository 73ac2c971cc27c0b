package main

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tidelog/tide/internal/units"
)

// config is the flags of the comparison.
type config struct {
	tide, versitygw string      // binaries
	dir             string      // where the data lies meanwhile
	size            units.Bytes // of the values of a back-log
	value           units.Bytes // of a record
	partitions      list        // of each back-log
	repeats         int         // of each side, after one that is not counted
	bare            bareConfig
	flags           string // of the broker that reads, with blanks between
}

// list is numbers with commas between.
type list []int

// String is part of flag.Value.
func (l *list) String() string { return strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(*l)), " ", ","), "[]") }

// Set is part of flag.Value.
func (l *list) Set(s string) error {
	*l = nil
	for word := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > maxLanes {
			return fmt.Errorf("%q: want numbers from 1 to %d", word, maxLanes)
		}
		*l = append(*l, n)
	}
	return nil
}

func parseConfig(args []string) (config, error) {
	c := config{size: 2 << 30, value: 4 << 10, partitions: list{1, 4}, repeats: 5}
	f := flag.NewFlagSet("s3ratio", flag.ContinueOnError)
	f.StringVar(&c.tide, "tide", filepath.Join("..", "bin", "tide"), "the broker's `binary`")
	f.StringVar(&c.versitygw, "versitygw", filepath.Join("..", "bin", "deps", "go", "versitygw"), "the S3 server's `binary`")
	f.StringVar(&c.dir, "dir", "", "`directory` for the data, which is removed; default: the system's for temporary files")
	f.TextVar(&c.size, "size", c.size, "`bytes` of values that are read")
	f.TextVar(&c.value, "value", c.value, "`bytes` of a record's value")
	f.Var(&c.partitions, "partitions", "`numbers` of partitions, one back-log each")
	f.IntVar(&c.repeats, "repeats", c.repeats, "readings of each side")
	f.StringVar(&c.flags, "broker", "", "more `flags` of the broker that reads")
	c.bare.flags(f)
	if err := f.Parse(args); err != nil {
		return c, err
	}
	return c, c.validate(f.Args())
}

// validate reports every fault at once.
func (c config) validate(rest []string) error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(len(rest) > 0, "%q: want flags only", rest)
	fault(c.size < 1<<20 || c.size > 1<<40, "--size %s: from 1MiB to 1TiB", c.size)
	fault(c.value < minValue || c.value > 1<<20, "--value %s: from %dB to 1MiB", c.value, minValue)
	fault(c.repeats < 1 || c.repeats > 1000, "--repeats %d: from 1 to 1000", c.repeats)
	return errors.Join(append(faults, c.bare.validate())...)
}

// minValue has room for the stamp that the client verifies, bytes.
const minValue = 64

// bareConfig is how the bare reader reads.
type bareConfig struct {
	places int         // GETs in flight, and slots; shared by the partitions
	get    units.Bytes // of adjacent blocks with one GET, at most
}

func (c *bareConfig) flags(f *flag.FlagSet) {
	*c = bareConfig{places: 32, get: 8 << 20}
	f.IntVar(&c.places, "places", c.places, "`GETs` of the bare reader in flight at most; the default is the broker's")
	f.TextVar(&c.get, "get", c.get, "`bytes` of one GET of the bare reader at most; the default is the broker's")
}

func (c bareConfig) args() []string {
	return []string{"--places", strconv.Itoa(c.places), "--get", c.get.String()}
}

func (c bareConfig) validate() error {
	if c.places < 1 || c.places > 1024 || c.get < 64<<10 || c.get > 64<<20 {
		return fmt.Errorf("--places %d, --get %s: from 1 to 1024, from 64KiB to 64MiB", c.places, c.get)
	}
	return nil
}
