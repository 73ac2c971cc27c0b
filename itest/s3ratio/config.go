package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/alecthomas/kong"

	"github.com/tidelog/tide/internal/units"
)

// config is the flags of the comparison.
type config struct {
	Tide       string      `help:"The broker's binary. Default ${default}." default:"../bin/tide" placeholder:"FILE"`
	Versitygw  string      `help:"The S3 server's binary. Default ${default}." default:"../bin/deps/go/versitygw" placeholder:"FILE"`
	Dir        string      `help:"Directory for the data, which is removed. Default: the system's for temporary files." placeholder:"DIR"`
	Size       units.Bytes `help:"Bytes of values in a back-log. Default ${default}." default:"2GiB" placeholder:"SIZE"`
	Value      units.Bytes `help:"Bytes of a record's value. Default ${default}." default:"4KiB" placeholder:"SIZE"`
	Partitions []int       `help:"Numbers of partitions, a back-log each. Default ${default}." default:"1,4" placeholder:"N,…"`
	Repeats    int         `help:"Readings of each side, after one that is not counted. Default ${default}." default:"5" placeholder:"N"`
	Broker     string      `help:"More flags of the broker that reads, with blanks between." placeholder:"FLAGS"`
	Profile    string      `help:"Directory for a CPU profile of each broker that reads, which slows it down." placeholder:"DIR"`
	Bare       bareConfig  `embed:""`
}

// bareConfig is how the bare reader reads.
type bareConfig struct {
	Places int         `help:"GETs of the bare reader in flight at most, and slots: the partitions share them. Default ${default}, as the broker's." default:"32" placeholder:"N"`
	Get    units.Bytes `help:"Bytes of adjacent blocks that the bare reader gets with one GET at most. Default ${default}, as the broker's." default:"8MiB" placeholder:"SIZE"`
}

// parse reads flags into one of the two.
func parse(into any, args []string) error {
	parser, err := kong.New(into, kong.Name("s3ratio"), kong.Description("A broker that catches up from S3, against a bare reader."))
	if err != nil {
		return err
	}
	_, err = parser.Parse(args)
	return err
}

func parseConfig(args []string) (c config, err error) {
	if err := parse(&c, args); err != nil {
		return c, err
	}
	return c, c.validate()
}

// minValue has room for the stamp that the client verifies, bytes.
const minValue = 64

// validate reports every fault at once.
func (c config) validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(c.Size < 1<<20 || c.Size > 1<<40, "--size %s: from 1MiB to 1TiB", c.Size)
	fault(c.Value < minValue || c.Value > 1<<20, "--value %s: from %dB to 1MiB", c.Value, minValue)
	fault(c.Repeats < 1 || c.Repeats > 1000, "--repeats %d: from 1 to 1000", c.Repeats)
	for _, n := range c.Partitions {
		fault(n < 1 || n > maxLanes, "--partitions %d: from 1 to %d", n, maxLanes)
	}
	return errors.Join(append(faults, c.Bare.validate())...)
}

func (c bareConfig) args() []string {
	return []string{"--places", strconv.Itoa(c.Places), "--get", c.Get.String()}
}

func (c bareConfig) validate() error {
	if c.Places < 1 || c.Places > 1024 || c.Get < 64<<10 || c.Get > 64<<20 {
		return fmt.Errorf("--places %d, --get %s: from 1 to 1024, from 64KiB to 64MiB", c.Places, c.Get)
	}
	return nil
}
