// Package doctor looks at a machine before anything is measured on it, and
// says what would make the numbers worse or the data less safe:
//
//	/proc /sys ─┐
//	system calls├─▶ System ──▶ checks, a file each ──▶ []Check{found, wanted, remedy}
//	PATH ───────┘
//
// A check is a function in a file that calls register; nothing else is edited
// to add one. All of them read the machine through System alone, so that tests
// can show them one that we do not have. Nothing is changed: on a directory one
// block is written to a temporary file and removed, files and devices are only
// read, and the network is touched on EC2 only, for the instance's own metadata.
package doctor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Check is one finding, as `tide doctor --json` prints it.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Found  string `json:"found"`
	Wanted string `json:"wanted"`
	Remedy string `json:"remedy"` // empty when OK
	// Required: the default broker (a pwrite: WAL in a file at PATH) does not
	// run here unless this holds. All other checks are advice.
	Required bool `json:"-"`
}

// Report is the one object that `tide doctor --json` prints.
type Report struct {
	Checks []Check `json:"checks"`
}

// Failed names the required checks that do not hold.
func (r Report) Failed() []string {
	var names []string
	for _, c := range r.Checks {
		if c.Required && !c.OK {
			names = append(names, c.Name)
		}
	}
	return names
}

// check is one entry of the table.
type check struct {
	order    int // place in the report
	name     string
	required bool
	wanted   string
	run      func(context.Context, *System) answer
}

// answer is what a check found. A remedy is given exactly when it is not ok.
type answer struct {
	found  string
	remedy string
}

// fine and bad are the two answers. bad wants what to do about it.
func fine(format string, args ...any) answer { return answer{found: fmt.Sprintf(format, args...)} }
func bad(found, remedy string) answer        { return answer{found, remedy} }

var all []check

// register adds a check to the table, which stays in order.
func register(c check) {
	all = append(all, c)
	slices.SortFunc(all, func(a, b check) int { return a.order - b.order })
}

// Run makes every check. It fails only when PATH itself cannot be looked at:
// whatever else cannot be found out is a finding.
func Run(ctx context.Context, s *System) (Report, error) {
	if err := s.locate(); err != nil {
		return Report{}, err
	}
	var r Report
	for _, c := range all {
		a := c.run(ctx, s)
		r.Checks = append(r.Checks, Check{
			Name: c.name, OK: a.remedy == "", Found: a.found, Wanted: c.wanted, Remedy: a.remedy, Required: c.required,
		})
	}
	return r, ctx.Err()
}

// read returns the first line of a file of /proc or /sys, or "".
func (s *System) read(name string) string {
	b, err := os.ReadFile(s.Root + name) // not joined: that would take a/.. away, and a may be a link
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(first)
}

// queue reads an attribute of the block device's queue. A partition has none
// of its own and takes its disk's.
func (s *System) queue(attribute string) string {
	for _, up := range []string{"", "/.."} {
		if v := s.read("/sys/dev/block/" + s.place.Device + up + "/queue/" + attribute); v != "" {
			return v
		}
	}
	return ""
}
