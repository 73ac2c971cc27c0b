package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidelog/tide/doctor"
)

func init() {
	register("doctor", "Look at this machine before measuring on it: what is missing, and what to do about it.", &doctorCmd{})
}

// doctorCmd is `tide doctor`.
type doctorCmd struct {
	Path string `arg:"" optional:"" help:"Directory, file or block device that a WAL is to be on. Nothing in it is changed. Default the present directory." default:"."`
	JSON bool   `name:"json" help:"Print one JSON object: {checks: [{name, ok, found, wanted, remedy}]}."`
}

// Help is printed below the flags' text.
func (c *doctorCmd) Help() string {
	return "Checks are advice. The exit code is 1 only where one marked 'required' does not hold " +
		"(o_direct, alignment): the default broker, whose WAL is a pwrite: file, does not run at PATH then."
}

// Run prints every check, and fails when a required one does.
func (c *doctorCmd) Run(ctx context.Context, std *stdio) error {
	report, err := doctor.Run(ctx, doctor.New(c.Path))
	if err != nil {
		return err
	}
	if c.JSON {
		if err := json.NewEncoder(std.out).Encode(report); err != nil {
			return err
		}
	} else {
		printChecks(std, report)
	}
	if failed := report.Failed(); len(failed) > 0 {
		return fmt.Errorf("the default broker does not run at %s: %s", c.Path, strings.Join(failed, ", "))
	}
	return nil
}

func printChecks(std *stdio, report doctor.Report) {
	for _, check := range report.Checks {
		word := "ok"
		switch {
		case !check.OK && check.Required:
			word = "REQUIRED"
		case !check.OK:
			word = "advice"
		}
		fmt.Fprintf(std.out, "%-9s %-13s %s\n", word, check.Name, check.Found)
		if !check.OK {
			fmt.Fprintf(std.out, "%-23s wanted: %s\n%-23s remedy: %s\n", "", check.Wanted, "", check.Remedy)
		}
	}
}
